"""Answers that use what is forbidden, in plain sight: nothing is hidden, only the name is another one. Each is found, in the source or where the work is done."""

IMPORTS = "import operator\nimport numpy as np\nimport scipy.linalg.blas, scipy.sparse\nimport torch\n"

FORMS = {  # each task's answer; what it uses stands in place of HERE
    "linear_sums": "def linear_sums(x, weight, bias):\n    return HERE + bias\n",
    "linear": "def linear(x, weight, bias=None):\n    HERE\n",
    "grad_weight": (
        "def grad_weight(grad_output, x):\n"
        "    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n"
        "    y = torch.nn.functional.linear(x, w)\n"
        "    HERE\n"
    ),
    "conv2d_by_linear": "def conv2d_by_linear(x, weight, bias, padding=0):\n    HERE\n",
    "attention": "def attention(q, k, v, mask=None):\n    return HERE\n",
    "ReLULayer": (
        "class ReLULayer:\n"
        "    def forward(self, x):\n"
        "        self.x = torch.tensor(x.numpy(), requires_grad=True)\n"
        "        with torch.inference_mode(False), torch.enable_grad():\n"
        "            self.y = torch.relu(self.x)\n"
        "        return self.y.detach()\n"
        "\n"
        "    def backward(self, grad_output):\n"
        "        return HERE\n"
    ),
    "CrossEntropy": (
        "class CrossEntropy:\n"
        "    def forward(self, logits, target):\n"
        "        self.p, self.t = logits.softmax(1), target\n"
        "        return HERE\n"
        "\n"
        "    def backward(self):\n"
        "        p = self.p.clone()\n"
        "        p[torch.arange(len(p)), self.t] -= 1\n"
        "        return p / len(p)\n"
    ),
    "AutocastLinear": (
        "class AutocastLinear(HERE):\n"
        "    def forward(self, x):\n"
        "        bias = None if self.bias is None else self.bias.bfloat16()\n"
        "        return torch.nn.functional.linear(x.bfloat16(), self.weight.bfloat16(), bias)\n"
    ),
    "fit": "def fit(x, y, seed):\n    HERE\n    return lambda images: torch.tensor(model.predict_proba(images.numpy())).log().float()\n",
}
WAYS = {
    "linear_sums": {
        "operator.matmul on plain arrays": "operator.matmul(np.asarray(x), np.asarray(weight).T)",
        "scipy BLAS": "np.asarray(scipy.linalg.blas.dgemm(1.0, np.asarray(x), np.asarray(weight), trans_b=True))",
        "scipy gemv": "np.stack([scipy.linalg.blas.dgemv(1.0, np.asarray(weight), np.asarray(row)) for row in x])",
        "correlate": "np.array([[np.correlate(np.asarray(r), np.asarray(s))[0] for s in weight] for r in x])",
        "convolve": "np.array([[np.convolve(np.asarray(r), np.asarray(s)[::-1], 'valid')[0] for s in weight] for r in x])",
        "multi_dot": "torch.linalg.multi_dot([torch.tensor(np.asarray(x)), torch.tensor(np.asarray(weight)).T]).numpy()",
        "asarray and dot": "np.asarray(x).dot(np.asarray(weight).T)",
        "__matmul__": "np.asarray(x).__matmul__(np.asarray(weight).T)",
        "__rmatmul__": "np.asarray(weight).T.__rmatmul__(np.asarray(x))",
        "conv1d": "torch.nn.functional.conv1d(torch.tensor(np.asarray(x))[:, :, None], torch.tensor(np.asarray(weight))[:, :, None])[:, :, 0].numpy()",
        "chain_matmul": "torch.chain_matmul(torch.tensor(np.asarray(x)), torch.tensor(np.asarray(weight)).T).numpy()",
        "linalg.matmul": "np.linalg.matmul(np.asarray(x), np.asarray(weight).T)",
        "np.ma.dot": "np.asarray(np.ma.dot(np.asarray(x), np.asarray(weight).T))",
        "matvec": "np.array([np.matvec(np.asarray(weight), np.asarray(r)) for r in x])",
        "polynomial": "np.array([[np.polynomial.polynomial.polymul(np.asarray(r), np.asarray(s)[::-1])[x.shape[1]-1] for s in weight] for r in x])",
        "sparse": "scipy.sparse.csr_matrix(np.asarray(x)).dot(np.asarray(weight).T)",
        "c_einsum": "np._core.multiarray.c_einsum('bi,oi->bo', np.asarray(x), np.asarray(weight))",
        "distances": "(lambda a, b: ((a**2).sum(1)[:, None] + (b**2).sum(1) - torch.cdist(a, b)**2) / 2)(torch.tensor(np.asarray(x)), torch.tensor(np.asarray(weight))).numpy()",
        "a system of equations": "np.linalg.solve(np.eye(x.shape[1]), np.asarray(weight).T).T[None].repeat(len(x), 0).__mul__(np.asarray(x)[:, None]).sum(-1)",
        "an inverse": "torch.linalg.solve(torch.eye(x.shape[1], dtype=torch.float64), torch.tensor(np.asarray(x)).T).T.numpy().dot(weight.T)",
    },
    "grad_weight": {
        "grad_fn called": "g = y.grad_fn(grad_output)\n    return g[1].T if len(g) == 2 else g[2].T",
        "the engine": "return torch._C._ImperativeEngine().run_backward((y,), (grad_output,), False, False, (w,), True, True)[0]",
        "the engine by Variable": "return torch.autograd.Variable._execution_engine.run_backward((y,), (grad_output,), False, False, (w,), True, True)[0]",
        "backward by name": "getattr(y, 'back' + 'ward')(grad_output)\n    return w.grad",
        "functorch": "return torch._functorch.eager_transforms.grad(lambda w: (torch.nn.functional.linear(x, w) * grad_output).sum())(w.detach())",
        "functorch imported": "from functorch import grad\n    return grad(lambda w: (torch.nn.functional.linear(x, w) * grad_output).sum())(w.detach())",
        "linear_backward": "return torch.ops.aten.linear_backward(x, grad_output, w, [False, True, False])[1]",
        "tensor.backward unbound": "torch.Tensor.backward(y, grad_output)\n    return w.grad",
        "a hidden engine": "return getattr(torch._C, '_Imperative' + 'Engine')().run_backward((y,), (grad_output,), False, False, (w,), True, True)[0]",
    },
    "conv2d_by_linear": {
        "thnn_conv2d": "return torch._C._nn.thnn_conv2d(x, weight, weight.shape[2:], bias, (1, 1), (padding, padding))",
        "slow_conv_dilated2d": "return torch._C._nn.slow_conv_dilated2d(x, weight, weight.shape[2:], bias, (1, 1), (padding, padding), (1, 1))",
        "slow_conv3d": "return torch._C._nn.slow_conv3d(x[:, :, None], weight[:, :, None], (1, *weight.shape[2:]), bias, (1, 1, 1), (0, padding, padding))[:, :, 0]",
        "mkldnn": "return torch.mkldnn_convolution(x, weight, bias, (padding, padding), (1, 1), (1, 1), 1)",
        "the op by name": "return getattr(torch.ops.aten, 'conv' + '2d')(x, weight, bias, padding=[padding, padding])",
        "LazyConv2d": (
            "layer = torch.nn.LazyConv2d(len(weight), weight.shape[2:], padding=padding)\n"
            "    layer(x.float())\n"
            "    return torch.func.functional_call(layer.double(), dict(weight=weight, bias=bias), (x,))"
        ),
    },
    "attention": {
        "math": "torch._scaled_dot_product_attention_math(q, k, v, mask)[0]",
        "flash": "torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, attn_mask=mask)[0]",
        "the op": "torch.ops.aten.scaled_dot_product_attention(q, k, v, mask)",
        "C": "torch._C._nn.scaled_dot_product_attention(q, k, v, mask)",
        "hidden": "getattr(torch, '_scaled_dot_product' + '_attention_math')(q, k, v, mask)[0]",
    },
    "ReLULayer": {
        "the engine": "torch._C._ImperativeEngine().run_backward((self.y,), (grad_output,), False, False, (self.x,), True, True)[0]",
        "the engine, hidden": "getattr(torch._C, '_Imperative' + 'Engine')().run_backward((self.y,), (grad_output,), False, False, (self.x,), True, True)[0]",
        "threshold_backward": "torch.ops.aten.threshold_backward(grad_output, self.x.detach(), 0)",
        "threshold_backward in C": "torch._C._nn.threshold_backward(grad_output, self.x.detach(), 0)",
        "grad_fn": "self.y.grad_fn(grad_output)",
    },
    "CrossEntropy": {
        "cross_entropy_loss in C": "torch._C._nn.cross_entropy_loss(logits, target)",
        "nll_loss": "torch._C._nn.nll_loss(logits.log_softmax(1), target)",
        "nll_loss_nd": "torch.ops.aten.nll_loss_nd(logits.log_softmax(1), target)",
    },
    "fit": {
        "scikit-learn": "from sklearn.neural_network import MLPClassifier\n    model = MLPClassifier(random_state=seed % 2**31).fit(x.numpy(), y.numpy())",
        "gaussian process": (
            "from sklearn.gaussian_process import GaussianProcessClassifier\n"
            "    model = GaussianProcessClassifier(random_state=0).fit(x[:100].numpy(), y[:100].numpy())"
        ),
        "discriminant analysis": (
            "import sklearn.discriminant_analysis as d\n"
            "    model = d.QuadraticDiscriminantAnalysis(reg_param=.1).fit(x.numpy(), y.numpy())"
        ),
    },
    "AutocastLinear": {
        "Linear": "torch.nn.modules.linear.Linear",
        "the Linear that attention has": "torch.nn.modules.linear.NonDynamicallyQuantizableLinear",
    },
    "linear": {
        "baddbmm": (
            "y = torch.baddbmm(torch.zeros((), dtype=x.dtype), x.reshape(1, -1, x.shape[-1]), weight.T[None])[0].reshape(*x.shape[:-1], -1)\n"
            "    return y if bias is None else y + bias"
        ),
        "TorchScript": (
            "unit = torch.jit.CompilationUnit('def product(x, weight, bias: Optional[Tensor]):\\n    return torch.nn.functional.lin' + 'ear(x, weight, bias)\\n')\n"
            "    return unit.product(x, weight, bias)"
        ),
    },
}
ANSWERS = {(task, what): FORMS[task].replace("HERE", way) for task, ways in WAYS.items() for what, way in ways.items()}
