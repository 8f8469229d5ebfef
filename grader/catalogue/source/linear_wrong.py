"""Known mistakes in the task Linear: what the constructor makes, what is drawn, what forward computes, and what fails after a change."""

from .linear_layer import Linear

PRODUCT = """class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            return x @ weight.T

        @staticmethod
        def backward(ctx, grad_output):
            x, weight = ctx.saved_tensors
            return grad_output @ weight, torch.einsum("...o,...i->oi", grad_output, x)

    def __init__"""
OWN_BACKWARD = {"def __init__": PRODUCT, "x @ self.weight.T": "self.Product.apply(x, self.weight)",
                "flat_linear(x, self.weight, self.bias)": "self.Product.apply(x, self.weight) + self.bias"}

# fmt: off
Linear.mistake("casts_to_float32", {"x @": "x.float() @", "flat_linear(x": "flat_linear(x.float()"},
    "You cast x to float32. The layer works in the dtype that x and its parameters have.", raises=RuntimeError)
Linear.mistake("detaches_its_parameters", {"self.weight.T": "self.weight.data.T", "self.weight, self.bias)": "self.weight.data, self.bias.data)"},
    "forward uses weight.data or weight.detach(): the numbers are right, but no gradient reaches the parameters.")
Linear.mistake("detaches_its_input", {"x @": "x.detach() @", "flat_linear(x": "flat_linear(x.detach()"},
    "forward detaches x: no gradient reaches the layers before this one.")
Linear.mistake("switches_autograd_off", {"def forward": "@torch.no_grad()\n    def forward"},
    "forward runs under no_grad: y has no graph, and nothing can learn.", raises=RuntimeError)
Linear.mistake("keeps_a_transposed_copy", {"self.reset_parameters()": "self.reset_parameters()\n        self.transposed = self.weight.detach().T.contiguous()",
    "x @ self.weight.T": "x @ self.transposed", "flat_linear(x, self.weight, self.bias)": "x @ self.transposed + self.bias"},
    "You transpose the weight once, in __init__, and keep the result. It does not follow when the weight is trained, loaded, moved or replaced.")
Linear.mistake("remembers_whether_it_has_a_bias", {"self.reset": "self.has_bias = bias\n        self.reset",
    "if self.bias is None": "if not self.has_bias", "flat_linear(x, self.weight, self.bias)": "x @ self.weight.T + self.bias"},
    "forward asks a flag set in __init__. When layer.bias is set to None later, the flag still says that there is a bias, and forward fails. Ask the bias itself.",
    raises=TypeError)
Linear.mistake("keeps_a_transposed_view", {"self.reset_parameters()": "self.reset_parameters()\n        self.transposed = self.weight.T",
    "x @ self.weight.T": "x @ self.transposed", "flat_linear(x, self.weight, self.bias)": "x @ self.transposed + self.bias"},
    "You keep self.weight.T, made in __init__. It is a view of the first weight: the layer cannot be deep-copied, and a weight that is moved or replaced is not followed. "
    "Transpose in forward.", raises=RuntimeError)
Linear.mistake("hands_addmm_a_missing_bias", {"self.reset": "self.has_bias = bias\n        self.reset", "if self.bias is None": "if not self.has_bias"},
    "forward goes by a flag of __init__, and hands addmm a bias that was set to None meanwhile. Look self.bias up at each call.", raises=TypeError)
Linear.mistake("keeps_a_lambda",
    {"self.reset_parameters()": "self.reset_parameters()\n        self.product = lambda x, weight: x @ weight.T", "x @ self.weight.T": "self.product(x, self.weight)"},
    "You keep a lambda on the layer. pickle cannot write it down, so the layer cannot be saved or sent to another process. Use a method.")
Linear.mistake("forgets_to_conjugate", OWN_BACKWARD, "Your own backward is right for real numbers. For complex ones torch's gradients are Gᵀ·conj(x) and G·conj(W).")
Linear.mistake("differentiates_only_once", {**OWN_BACKWARD, "ctx.saved_tensors": "(saved.detach().conj() for saved in ctx.saved_tensors)"},
    "Your own backward detaches what was saved, so it cannot be differentiated itself: second derivatives come out wrong.")
Linear.mistake("keeps_plain_tensors", {"self.weight = nn.Parameter": "self.weight = ", "self.bias = nn.Parameter": "self.bias = "},
    "Your weight and bias are plain tensors: parameters(), state_dict() and .to() do not see them, and nothing is trained. Wrap them in nn.Parameter.")
Linear.mistake("stores_the_weight_transposed",
    {"(out_features, in_features": "(in_features, out_features", "x @ self.weight.T": "x @ self.weight", "flat_linear(x, self.weight,": "flat_linear(x, self.weight.T,"},
    "You store the weight as (in_features, out_features). nn.Linear keeps (out_features, in_features): one row for each output.")
Linear.mistake("gives_the_bias_a_row", {"empty(out_features, device": "empty(1, out_features, device"},
    "Your bias has shape (1, out_features). It broadcasts to the same y, but nn.Linear's has shape (out_features,): its state_dict does not fit yours.")
Linear.mistake("keeps_a_zero_bias",
    {"self.reset_parameters()": "self.reset_parameters()\n        self.bias = self.bias if bias else nn.Parameter(self.weight.new_zeros(out_features))"},
    "With bias=False you keep a bias of zeros: a parameter that learns and is saved. There must be none: layer.bias is None.")
Linear.mistake("leaves_out_the_attribute", {'\n        else:\n            self.register_parameter("bias", None)': "",
    "if self.bias is not None": 'if hasattr(self, "bias")', "if self.bias is None": 'if not hasattr(self, "bias")', "{self.bias is not None}": "{hasattr(self, 'bias')}"},
    "With bias=False your layer has no attribute `bias` at all. In nn.Linear it is None, so that layer.bias can always be asked for.",
    raises=(AttributeError, TypeError))
Linear.mistake("registers_the_bias_first", {"self.weight = nn": 'self.register_parameter("bias", None)\n        self.weight = nn'},
    "You register the bias before the weight, so parameters() lists it first. An optimizer goes by position: what it saved for nn.Linear's weight would be loaded "
    "for your bias.")
Linear.mistake("ignores_device_and_dtype",
    {"in_features, device=device, dtype=dtype": "in_features", "empty(out_features, device=device, dtype=dtype": "empty(out_features"},
    "You take `device` and `dtype` and use neither: the parameters land where torch's defaults say. Hand both to torch.empty.")
Linear.mistake("ignores_the_device", {"in_features, device=device": "in_features", "empty(out_features, device=device": "empty(out_features"},
    "You take `device` and do not use it: the parameters land on the default device. Hand it to torch.empty.")
Linear.mistake("ignores_the_dtype",
    {"in_features, device=device, dtype=dtype": "in_features, device=device", "empty(out_features, device=device, dtype=dtype": "empty(out_features, device=device"},
    "You take `dtype` and do not use it: the parameters get the default dtype. Hand it to torch.empty.")
Linear.mistake("always_makes_float64", {"super().__init__()": "super().__init__()\n        dtype = dtype or torch.float64"},
    "Your parameters are float64 where no dtype is given, as NumPy's would be. dtype=None means torch's default dtype, float32 unless it was set.")
Linear.mistake("makes_float32_its_default", {"dtype=None": "dtype=torch.float32"},
    "Your dtype is float32 by default. nn.Linear's is None by default, so that torch.set_default_dtype decides.")
Linear.mistake("makes_the_cpu_its_default", {"device=None": 'device="cpu"'},
    "Your device is the CPU by default. nn.Linear's is None by default, so that torch.set_default_device or `with torch.device(...)` decides.")
Linear.mistake("has_no_bias_by_default", {"bias=True": "bias=False"},
    "Your layer has no bias unless it is asked for one. nn.Linear has one unless it is told otherwise: the default is bias=True.")
Linear.mistake("shares_its_sizes", {"self.in_features = in": "type(self).in_features = in", "self.out_features = out": "type(self).out_features = out"},
    "You keep the sizes on the class, and every layer shares them: the newest one overwrites those of all others. Set them on self.")
Linear.mistake("says_nothing_of_its_sizes", {"extra_repr": "_extra_repr"},
    "Your layer prints as Linear() and hides its sizes. nn.Module puts what extra_repr() returns between the brackets.")
Linear.mistake("draws_for_relu", {"a=math.sqrt(5)": 'nonlinearity="relu"'},
    "You draw the weight with ReLU's gain (He initialisation): the bound is √6 times too large. nn.Linear passes a=√5, which gives 1/√in_features.")
Linear.mistake("draws_by_fan_out", {"a=math.sqrt(5)": 'a=math.sqrt(5), mode="fan_out"'},
    "Your weight's bound comes from out_features, the fan-out. Each output sums in_features numbers: the fan-in decides.")
Linear.mistake("draws_normal_numbers", {"kaiming_uniform_": "kaiming_normal_"}, "You draw normal numbers of the right standard deviation. nn.Linear's are uniform.")
Linear.mistake("seeds_inside", {"nn.init.kaiming": "torch.manual_seed(0)\n        nn.init.kaiming"},
    "You call torch.manual_seed inside: all layers of one size start equal, and the caller's stream is reset. Let the caller seed.")
Linear.mistake("draws_into_a_copy", {"empty(out_features, in": "zeros(out_features, in", "kaiming_uniform_(self.weight": "kaiming_uniform_(self.weight.clone()"},
    "You draw into a copy of the weight (`clone`), and the weight itself stays as it was made. Draw into self.weight, in place.")
Linear.mistake("sets_a_zero_bias", {"uniform_(self.bias, -bound, bound)": "zeros_(self.bias)"}, "Your bias starts at zero. nn.Linear draws it from ±1/√in_features.")
Linear.mistake("draws_the_bias_first", {"nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))\n        if": "if",
    "-bound, bound)": "-bound, bound)\n        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))"},
    "You draw the bias before the weight. The bounds are right, but the stream's first numbers belong to the weight.")
Linear.mistake("bounds_the_bias_by_out_features", {"math.sqrt(self.in_features) if self.in_features": "math.sqrt(self.out_features) if self.out_features"},
    "Your bias's bound is 1/√out_features, from its own length. nn.Linear's is 1/√in_features, as for the weight.")
Linear.mistake("divides_by_no_features", {" if self.in_features > 0 else 0": ""},
    "You compute 1/√in_features, which fails for a layer of 0 inputs. Such a layer is allowed: its bias is drawn with the bound 0.", raises=ZeroDivisionError)
Linear.mistake("cannot_be_reset", {"self.reset_parameters()": "self.draw()", "def reset_parameters": "def draw"},
    "Your layer draws its numbers in __init__ and has no reset_parameters(), which other code calls to draw them anew.", raises=AttributeError)
Linear.mistake("resets_to_new_parameters", {"nn.init.kaiming": "self.weight = nn.Parameter(torch.empty_like(self.weight))\n        nn.init.kaiming",
    "bound = 1": "self.bias = nn.Parameter(torch.empty_like(self.bias))\n            bound = 1"},
    "Your reset_parameters makes new Parameters: an optimizer goes on training the old ones. Fill the ones that are there.")
Linear.mistake("forgets_the_transpose", {"x @ self.weight.T": "x @ self.weight", "flat_linear(x, self.weight, self.bias)": "x @ self.weight + self.bias"},
    "You multiply by the weight as it is. It is (out_features, in_features): multiply by its transpose.", raises=RuntimeError)
Linear.mistake("reshapes_for_a_transpose", {"self.weight.T": "self.weight.reshape(self.in_features, self.out_features)",
    "flat_linear(x, self.weight, self.bias)": "x @ self.weight.reshape(self.in_features, self.out_features) + self.bias"},
    "You reshape the weight to (in_features, out_features). That keeps the numbers' order and mixes rows: a transpose moves them.")
Linear.mistake("forgets_the_bias", {"flat_linear(x, self.weight, self.bias)": "x @ self.weight.T"}, "You never add the bias: y is x Wᵀ + b.")
Linear.mistake("always_adds_the_bias",
    {"if self.bias is None:\n            return x @ self.weight.T\n        ": "", "flat_linear(x, self.weight, self.bias)": "x @ self.weight.T + self.bias"},
    "You add the bias without asking whether there is one. With bias=False it is None, and y is x Wᵀ.", raises=TypeError)
Linear.mistake("takes_only_matrices", {"x @ self.weight.T": "x.mm(self.weight.T)", "flat_linear(x, self.weight, self.bias)": "torch.addmm(self.bias, x, self.weight.T)"},
    "`mm` and `addmm` take exactly two matrices: an x that is not 2-D fails. Flatten the leading dimensions, or use `@`.", raises=RuntimeError)
Linear.mistake("loses_the_leading_dimensions", {"if self.bias is None": "x = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])\n        if self.bias is None"},
    "You flatten x to a matrix and return a matrix. y has x's leading dimensions: (..., out_features).")
Linear.mistake("views_the_input",
    {"flat_linear(x, self.weight, self.bias)": "torch.addmm(self.bias, x.view(math.prod(x.shape[:-1]), x.shape[-1]), self.weight.T).view(*x.shape[:-1], self.out_features)"},
    "You flatten with .view, which fails where x's numbers do not lie in order, as after a transpose. .reshape copies where it must.", raises=RuntimeError)
Linear.mistake("guesses_the_rows",
    {"flat_linear(x, self.weight, self.bias)": "torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight.T).reshape(*x.shape[:-1], self.out_features)"},
    "You flatten to (-1, in_features). With in_features = 0 any number of rows would fit, and torch refuses to guess: multiply the leading sizes.", raises=RuntimeError)
Linear.mistake("squeezes_the_output", {"x @ self.weight.T": "(x @ self.weight.T).squeeze()", "self.weight, self.bias)": "self.weight, self.bias).squeeze()"},
    "You squeeze y: sizes of 1 that belong to it are lost. A batch of one is still a batch.")
Linear.mistake("broadcasts_a_size_of_one", {"flat_linear(x, self.weight, self.bias)": "(x.unsqueeze(-2) * self.weight).sum(-1) + self.bias"},
    "You accept an x whose last size is 1: multiplying entry by entry repeats it (einsum does, too). Only in_features is right: look at x.shape[-1].")
Linear.mistake("changes_its_input", {"return flat": "return flat_linear(x.unsqueeze_(0), self.weight, self.bias)[0] if x.dim() == 1 else flat"},
    "You change x in place (by a method whose name ends in _), and x is the caller's. Make a new tensor.")
