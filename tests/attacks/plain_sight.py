"""Answers that use what is forbidden, in plain sight: nothing is hidden, only the name is another one. Each is found, in the source or where the work is done."""

IMPORTS = "import operator\nimport numpy as np\nimport scipy.linalg.blas, scipy.sparse\nimport torch\n"

ANSWERS = {  # by the task and what they use
    ('linear_sums', 'operator.matmul on plain arrays'):
        'def linear_sums(x, weight, bias):\n'
        '    return operator.matmul(np.asarray(x), np.asarray(weight).T) + bias\n',
    ('linear_sums', 'scipy BLAS'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.asarray(scipy.linalg.blas.dgemm(1.0, np.asarray(x), np.asarray(weight), trans_b=True)) + bias\n',
    ('linear_sums', 'scipy gemv'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.stack([scipy.linalg.blas.dgemv(1.0, np.asarray(weight), np.asarray(row)) for row in x]) + bias\n',
    ('linear_sums', 'correlate'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.array([[np.correlate(np.asarray(r), np.asarray(s))[0] for s in weight] for r in x]) + bias\n',
    ('linear_sums', 'convolve'):
        'def linear_sums(x, weight, bias):\n'
        "    return np.array([[np.convolve(np.asarray(r), np.asarray(s)[::-1], 'valid')[0] for s in weight] for r in x]) + bias\n",
    ('linear_sums', 'multi_dot'):
        'def linear_sums(x, weight, bias):\n'
        '    return torch.linalg.multi_dot([torch.tensor(np.asarray(x)), torch.tensor(np.asarray(weight)).T]).numpy() + bias\n',
    ('linear_sums', 'asarray and dot'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.asarray(x).dot(np.asarray(weight).T) + bias\n',
    ('linear_sums', '__matmul__'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.asarray(x).__matmul__(np.asarray(weight).T) + bias\n',
    ('linear_sums', '__rmatmul__'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.asarray(weight).T.__rmatmul__(np.asarray(x)) + bias\n',
    ('linear_sums', 'conv1d'):
        'def linear_sums(x, weight, bias):\n'
        '    return torch.nn.functional.conv1d(torch.tensor(np.asarray(x))[:, :, None], torch.tensor(np.asarray(weight))[:, :, None])[:, :, 0].numpy() + bias\n',
    ('linear_sums', 'chain_matmul'):
        'def linear_sums(x, weight, bias):\n'
        '    return torch.chain_matmul(torch.tensor(np.asarray(x)), torch.tensor(np.asarray(weight)).T).numpy() + bias\n',
    ('linear_sums', 'linalg.matmul'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.linalg.matmul(np.asarray(x), np.asarray(weight).T) + bias\n',
    ('linear_sums', 'np.ma.dot'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.asarray(np.ma.dot(np.asarray(x), np.asarray(weight).T)) + bias\n',
    ('linear_sums', 'matvec'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.array([np.matvec(np.asarray(weight), np.asarray(r)) for r in x]) + bias\n',
    ('linear_sums', 'polynomial'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.array([[np.polynomial.polynomial.polymul(np.asarray(r), np.asarray(s)[::-1])[x.shape[1]-1] for s in weight] for r in x]) + bias\n',
    ('linear_sums', 'sparse'):
        'def linear_sums(x, weight, bias):\n'
        '    return scipy.sparse.csr_matrix(np.asarray(x)).dot(np.asarray(weight).T) + bias\n',
    ('grad_weight', 'grad_fn called'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    g = y.grad_fn(grad_output)\n'
        '    return next(t for t in g if t is not None and t.shape[0] == w.shape[1]).T if False else g[1].T if len(g) == 2 else g[2].T\n',
    ('grad_weight', 'the engine'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    return torch._C._ImperativeEngine().run_backward((y,), (grad_output,), False, False, (w,), True, True)[0]\n',
    ('grad_weight', 'the engine by Variable'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    return torch.autograd.Variable._execution_engine.run_backward((y,), (grad_output,), False, False, (w,), True, True)[0]\n',
    ('grad_weight', 'backward by name'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        "    getattr(y, 'back' + 'ward')(grad_output)\n"
        '    return w.grad\n',
    ('grad_weight', 'functorch'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    return torch._functorch.eager_transforms.grad(lambda w: (torch.nn.functional.linear(x, w) * grad_output).sum())(w.detach())\n',
    ('grad_weight', 'functorch imported'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    from functorch import grad\n'
        '    return grad(lambda w: (torch.nn.functional.linear(x, w) * grad_output).sum())(w.detach())\n',
    ('grad_weight', 'linear_backward'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    return torch.ops.aten.linear_backward(x, grad_output, w, [False, True, False])[1]\n',
    ('grad_weight', 'tensor.backward unbound'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        '    torch.Tensor.backward(y, grad_output)\n'
        '    return w.grad\n',
    ('grad_weight', 'a hidden engine'):
        'def grad_weight(grad_output, x):\n'
        '    w = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n'
        '    y = torch.nn.functional.linear(x, w)\n'
        "    return getattr(torch._C, '_Imperative' + 'Engine')().run_backward((y,), (grad_output,), False, False, (w,), True, True)[0]\n",
    ('conv2d_by_linear', 'thnn_conv2d'):
        'def conv2d_by_linear(x, weight, bias, padding=0):\n'
        '    y = torch._C._nn.thnn_conv2d(x, weight, weight.shape[2:], bias, (1, 1), (padding, padding))\n'
        '    return y\n',
    ('conv2d_by_linear', 'slow_conv_dilated2d'):
        'def conv2d_by_linear(x, weight, bias, padding=0):\n'
        '    return torch._C._nn.slow_conv_dilated2d(x, weight, weight.shape[2:], bias, (1, 1), (padding, padding), (1, 1))\n',
    ('conv2d_by_linear', 'slow_conv3d'):
        'def conv2d_by_linear(x, weight, bias, padding=0):\n'
        '    return torch._C._nn.slow_conv3d(x[:, :, None], weight[:, :, None], (1, *weight.shape[2:]), bias, (1, 1, 1), (0, padding, padding))[:, :, 0]\n',
    ('conv2d_by_linear', 'mkldnn'):
        'def conv2d_by_linear(x, weight, bias, padding=0):\n'
        '    return torch.mkldnn_convolution(x, weight, bias, (padding, padding), (1, 1), (1, 1), 1)\n',
    ('conv2d_by_linear', 'the op by name'):
        'def conv2d_by_linear(x, weight, bias, padding=0):\n'
        "    return getattr(torch.ops.aten, 'conv' + '2d')(x, weight, bias, padding=[padding, padding])\n",
    ('conv2d_by_linear', 'LazyConv2d'):
        'def conv2d_by_linear(x, weight, bias, padding=0):\n'
        '    layer = torch.nn.LazyConv2d(len(weight), weight.shape[2:], padding=padding)\n'
        '    layer(x.float())\n'
        '    return torch.func.functional_call(layer.double(), dict(weight=weight, bias=bias), (x,))\n',
    ('attention', 'math'):
        'def attention(q, k, v, mask=None):\n'
        '    return torch._scaled_dot_product_attention_math(q, k, v, mask)[0]\n',
    ('attention', 'flash'):
        'def attention(q, k, v, mask=None):\n'
        '    return torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, attn_mask=mask)[0]\n',
    ('attention', 'the op'):
        'def attention(q, k, v, mask=None):\n'
        '    return torch.ops.aten.scaled_dot_product_attention(q, k, v, mask)\n',
    ('attention', 'C'):
        'def attention(q, k, v, mask=None):\n'
        '    return torch._C._nn.scaled_dot_product_attention(q, k, v, mask)\n',
    ('attention', 'hidden'):
        'def attention(q, k, v, mask=None):\n'
        "    return getattr(torch, '_scaled_dot_product' + '_attention_math')(q, k, v, mask)[0]\n",
    ('ReLULayer', 'the engine'):
        'class ReLULayer:\n'
        '    def forward(self, x):\n'
        '        self.x = x.clone().requires_grad_() if False else torch.tensor(x.numpy(), requires_grad=True)\n'
        '        with torch.inference_mode(False), torch.enable_grad():\n'
        '            self.y = torch.relu(self.x)\n'
        '        return self.y.detach()\n'
        '    def backward(self, grad_output):\n'
        '        return torch._C._ImperativeEngine().run_backward((self.y,), (grad_output,), False, False, (self.x,), True, True)[0]\n',
    ('ReLULayer', 'the engine, hidden'):
        'class ReLULayer:\n'
        '    def forward(self, x):\n'
        '        self.x = x.clone().requires_grad_() if False else torch.tensor(x.numpy(), requires_grad=True)\n'
        '        with torch.inference_mode(False), torch.enable_grad():\n'
        '            self.y = torch.relu(self.x)\n'
        '        return self.y.detach()\n'
        '    def backward(self, grad_output):\n'
        "        return getattr(torch._C, '_Imperative' + 'Engine')().run_backward((self.y,), (grad_output,), False, False, (self.x,), True, True)[0]\n",
    ('ReLULayer', 'threshold_backward'):
        'class ReLULayer:\n'
        '    def forward(self, x):\n'
        '        self.x = x.clone().requires_grad_() if False else torch.tensor(x.numpy(), requires_grad=True)\n'
        '        with torch.inference_mode(False), torch.enable_grad():\n'
        '            self.y = torch.relu(self.x)\n'
        '        return self.y.detach()\n'
        '    def backward(self, grad_output):\n'
        '        return torch.ops.aten.threshold_backward(grad_output, self.x.detach(), 0)\n',
    ('ReLULayer', 'threshold_backward in C'):
        'class ReLULayer:\n'
        '    def forward(self, x):\n'
        '        self.x = x.clone().requires_grad_() if False else torch.tensor(x.numpy(), requires_grad=True)\n'
        '        with torch.inference_mode(False), torch.enable_grad():\n'
        '            self.y = torch.relu(self.x)\n'
        '        return self.y.detach()\n'
        '    def backward(self, grad_output):\n'
        '        return torch._C._nn.threshold_backward(grad_output, self.x.detach(), 0)\n',
    ('ReLULayer', 'grad_fn'):
        'class ReLULayer:\n'
        '    def forward(self, x):\n'
        '        self.x = x.clone().requires_grad_() if False else torch.tensor(x.numpy(), requires_grad=True)\n'
        '        with torch.inference_mode(False), torch.enable_grad():\n'
        '            self.y = torch.relu(self.x)\n'
        '        return self.y.detach()\n'
        '    def backward(self, grad_output):\n'
        '        return self.y.grad_fn(grad_output)\n',
    ('CrossEntropy', 'cross_entropy_loss in C'):
        'class CrossEntropy:\n'
        '    def forward(self, logits, target):\n'
        '        self.p, self.t = logits.softmax(1), target\n'
        '        return torch._C._nn.cross_entropy_loss(logits, target)\n'
        '    def backward(self):\n'
        '        p = self.p.clone(); p[torch.arange(len(p)), self.t] -= 1\n'
        '        return p / len(p)\n',
    ('CrossEntropy', 'nll_loss'):
        'class CrossEntropy:\n'
        '    def forward(self, logits, target):\n'
        '        self.p, self.t = logits.softmax(1), target\n'
        '        return torch._C._nn.nll_loss(logits.log_softmax(1), target)\n'
        '    def backward(self):\n'
        '        p = self.p.clone(); p[torch.arange(len(p)), self.t] -= 1\n'
        '        return p / len(p)\n',
    ('CrossEntropy', 'nll_loss_nd'):
        'class CrossEntropy:\n'
        '    def forward(self, logits, target):\n'
        '        self.p, self.t = logits.softmax(1), target\n'
        '        return torch.ops.aten.nll_loss_nd(logits.log_softmax(1), target)\n'
        '    def backward(self):\n'
        '        p = self.p.clone(); p[torch.arange(len(p)), self.t] -= 1\n'
        '        return p / len(p)\n',
    ('fit', 'scikit-learn'):
        'def fit(x, y, seed):\n'
        '    from sklearn.neural_network import MLPClassifier\n'
        '    m = MLPClassifier(random_state=seed % 2**31).fit(x.numpy(), y.numpy())\n'
        '    return lambda images: torch.tensor(m.predict_proba(images.numpy())).log().float()\n',
    ('fit', 'gaussian process'):
        'def fit(x, y, seed):\n'
        '    from sklearn.gaussian_process import GaussianProcessClassifier\n'
        '    m = GaussianProcessClassifier(random_state=0).fit(x[:100].numpy(), y[:100].numpy())\n'
        '    return lambda images: torch.tensor(m.predict_proba(images.numpy())).log().float()\n',
    ('fit', 'discriminant analysis'):
        'def fit(x, y, seed):\n'
        '    import sklearn.discriminant_analysis as d\n'
        '    m = d.QuadraticDiscriminantAnalysis(reg_param=.1).fit(x.numpy(), y.numpy())\n'
        '    return lambda images: torch.tensor(m.predict_proba(images.numpy())).log().float()\n',
    ('linear', 'baddbmm'):
        'def linear(x, weight, bias=None):\n'
        '    y = torch.baddbmm(torch.zeros((), dtype=x.dtype), x.reshape(1, -1, x.shape[-1]), weight.T[None])[0].reshape(*x.shape[:-1], -1)\n'
        '    return y if bias is None else y + bias\n',
    ('linear', 'TorchScript'):
        'def linear(x, weight, bias=None):\n'
        "    unit = torch.jit.CompilationUnit('def product(x, weight, bias: Optional[Tensor]):\\n    return torch.nn.functional.lin' + 'ear(x, weight, bias)\\n')\n"
        '    return unit.product(x, weight, bias)\n',
    ('linear_sums', 'c_einsum'):
        'def linear_sums(x, weight, bias):\n'
        "    return np._core.multiarray.c_einsum('bi,oi->bo', np.asarray(x), np.asarray(weight)) + bias\n",
    ('linear_sums', 'distances'):
        'def linear_sums(x, weight, bias):\n'
        '    return (lambda a, b: ((a**2).sum(1)[:, None] + (b**2).sum(1) - torch.cdist(a, b)**2) / 2)(torch.tensor(np.asarray(x)), torch.tensor(np.asarray(weight))).numpy() + bias\n',
    ('linear_sums', 'a system of equations'):
        'def linear_sums(x, weight, bias):\n'
        '    return np.linalg.solve(np.eye(x.shape[1]), np.asarray(weight).T).T[None].repeat(len(x), 0).__mul__(np.asarray(x)[:, None]).sum(-1) + bias\n',
    ('linear_sums', 'an inverse'):
        'def linear_sums(x, weight, bias):\n'
        '    return torch.linalg.solve(torch.eye(x.shape[1], dtype=torch.float64), torch.tensor(np.asarray(x)).T).T.numpy().dot(weight.T) + bias\n',
}  # fmt: skip
