"""Task train_step."""

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


def train_step_reference(model, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


train_step = Task(
    "train_step",
    reference=train_step_reference,
    section="mlp-step",
    forbids=("torch.optim",),
    hints=(
        "Clear the old gradients, compute the loss, go backward, step. Which of these must autograd not record? Modes, and where "
        "the tensors lie in memory, are not to change.",
        "After loss.backward(), inside `with torch.no_grad():`, subtract lr times .grad, in place, from each parameter that has "
        "one. loss.item() is the float.",
    ),
)


@train_step.probe(points=1)
def returns_the_loss_before_the_step(train_step, bench, B=6, I=5, H=7, O=3):
    """The mean cross-entropy of a batch (B, I) in O classes, as a Python float."""
    model = nn.Sequential(nn.Linear(I, H), nn.ReLU(), nn.Linear(H, O)).to(bench.device, torch.float64)
    for parameter in model.parameters():
        parameter.data = bench.randn(*parameter.shape, dtype=torch.float64) / 2
    return train_step(model, bench.randn(B, I, dtype=torch.float64), bench.integers(0, O, B), 0.5)


@train_step.probe(points=1)
def moves_every_parameter(train_step, bench, B=6, I=5, H=7, O=3, dtype=torch.float32):
    """One step on a batch (B, I) of large numbers: all parameters after it."""
    model = nn.Sequential(nn.Linear(I, H), nn.ReLU(), nn.Linear(H, O)).to(bench.device, dtype)
    for parameter in model.parameters():
        parameter.data = bench.randn(*parameter.shape, dtype=dtype) / 2
    train_step(model, 10 * bench.randn(B, I, dtype=dtype), bench.integers(0, O, B), 0.5)
    return model.state_dict()


@train_step.probe(points=2)
def starts_from_clean_gradients(train_step, bench):
    """The parameters carry gradients of something else; then three steps on three batches."""
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).to(bench.device, torch.float64)
    for parameter in model.parameters():
        parameter.data = bench.randn(*parameter.shape, dtype=torch.float64) / 2
        parameter.grad = bench.randn(*parameter.shape, dtype=torch.float64)
    answers = {}
    for step in ("first step", "second step", "third step"):
        loss = train_step(model, bench.randn(8, 5, dtype=torch.float64), bench.integers(0, 3, 8), 0.1)
        answers[step] = {"loss": loss, **{name: value.clone() for name, value in model.state_dict().items()}}
    return answers


@train_step.probe(points=1)
def leaves_alone_what_gets_no_gradient(train_step, bench):
    """A frozen layer with an old gradient, and a layer that forward does not use: both stay, the others move."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.frozen, self.spare, self.out = nn.Linear(5, 7), nn.Linear(7, 7), nn.Linear(7, 3)

        def forward(self, x):
            return self.out(self.frozen(x).tanh())

    model = Model().to(bench.device, torch.float64)
    for parameter in model.parameters():
        parameter.data = bench.randn(*parameter.shape, dtype=torch.float64) / 2
    for parameter in model.frozen.parameters():
        parameter.grad = bench.randn(*parameter.shape, dtype=torch.float64)
        parameter.requires_grad_(False)
    loss = train_step(model, bench.randn(8, 5, dtype=torch.float64), bench.integers(0, 3, 8), 0.1)
    return {"loss": loss, **model.state_dict()}


@train_step.probe(points=1)
def takes_any_model(train_step, bench):
    """A LayerNorm, a parameter of the model's own, a layer used twice: each parameter moves once."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.shared, self.scale = nn.LayerNorm(5), nn.Linear(5, 5), nn.Parameter(torch.ones(5))
            self.again = self.shared

        def forward(self, x):
            return self.again(self.shared(self.norm(x)).tanh()) * self.scale

    model = Model().to(bench.device, torch.float64)
    for parameter in model.parameters():
        parameter.data = bench.randn(*parameter.shape, dtype=torch.float64) / 2
    loss = train_step(model, bench.randn(8, 5, dtype=torch.float64), bench.integers(0, 5, 8), 0.1)
    return {"loss": loss, **model.state_dict()}


@train_step.probe(points=1)
def leaves_the_rest_as_it_was(train_step, bench):
    """Two steps on a model in training mode, its dropout in evaluation mode: the modes, x and y, and the parameters: numbers written into
    those of before stand in the model."""
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Dropout(), nn.Linear(7, 3)).to(bench.device, torch.float64)
    for parameter in model.parameters():
        parameter.data = bench.randn(*parameter.shape, dtype=torch.float64) / 2
    model[2].eval()
    before, memory = list(model.parameters()), [parameter.detach() for parameter in model.parameters()]
    x, y = bench.randn(8, 5, dtype=torch.float64), bench.integers(0, 3, 8)
    losses = [train_step(model, x, y, 0.1) for _ in range(2)]
    answers = {
        "mode of the model": "training" if model.training else "evaluation",
        "mode of its dropout": "training" if model[2].training else "evaluation",
        "losses": losses, "x": x, "y": y,
    }
    for parameter, held in zip(before, memory):
        parameter.data[0] = bench.randn(*parameter.shape[1:], dtype=torch.float64)
        held[1] = bench.randn(*parameter.shape[1:], dtype=torch.float64)
    return answers | {
        "parameters, after writing into the row 0 of those of before, and into the row 1 of their memory": list(model.parameters()),
        "they are leaves, and learn": [[parameter.is_leaf, parameter.requires_grad] for parameter in model.parameters()],
    }


# fmt: off
train_step.mistake("never_clears_the_gradients", {"    model.zero_grad()\n": "", "if parameter.grad": "if parameter.requires_grad and parameter.grad"},
    "Old gradients leak in: backward() adds to .grad, and you never clear it. Clear it before backward().")
train_step.mistake("clears_the_gradients_afterwards",
    {"    model.zero_grad()\n": "", "if parameter.grad": "if parameter.requires_grad and parameter.grad", "return": "model.zero_grad()\n    return"},
    "You clear the gradients after your step. What somebody else left there before it leaks in: clear them before backward().")
train_step.mistake("steps_uphill", {"-=": "+="}, "Your step goes uphill. The gradient points to where the loss grows: subtract it.")
train_step.mistake("forgets_the_learning_rate", {"lr * ": ""}, "You subtract the gradient itself. The step is lr times the gradient.")
train_step.mistake("takes_a_rate_of_its_own", {"lr * ": "0.01 * "},
    "You step with a learning rate of your own. The caller chooses it: take the argument lr.")
train_step.mistake("sums_the_loss", {"(model(x), y)": '(model(x), y, reduction="sum")'},
    "Your loss is the sum over the batch, so the step grows with the batch. Take the mean.")
train_step.mistake("divides_by_the_batch_again", {"lr * parameter.grad": "lr * parameter.grad / len(x)"},
    "You divide the gradient by the batch size. The loss is a mean: 1/B is already inside its gradient.")
train_step.mistake("takes_softmax_twice", {"model(x)": "model(x).softmax(-1)"},
    "You apply softmax before cross-entropy, which takes it again. Give it the model's outputs as they are.")
train_step.mistake("returns_the_loss_after_the_step", {"return loss": "return F.cross_entropy(model(x), y)"},
    "You return the loss after the step. Asked for is the loss that the step was made from.")
train_step.mistake("returns_a_tensor", {"loss.item()": "loss"}, "You return a tensor, which holds on to the graph of its step. loss.item() is the plain float.")
train_step.mistake("renames_instead_of_changing", {"parameter -=": "parameter = parameter -"},
    "Your parameters do not move. `p = p - lr * p.grad` only makes a new tensor and calls it p: change the parameter in place, "
    "`p -= ...`. Gradients that are cleared after backward() have the same effect.")
train_step.mistake("steps_under_autograd", {"no_grad": "enable_grad"},
    "You change parameters while autograd is recording, which it refuses. Step inside `with torch.no_grad():`.", raises=RuntimeError)
train_step.mistake("expects_a_gradient_everywhere", {"if parameter.grad is not None": "if True"},
    "A frozen or unused parameter has no gradient: None stands in its place. Skip it.", raises=TypeError)
train_step.mistake("asks_for_frozen_gradients",
    {"loss.backward()": "ps = [p for p in model.parameters()]\n    for p, gradient in zip(ps, torch.autograd.grad(loss, ps)): p.grad = gradient"},
    "You ask torch.autograd.grad for a frozen parameter's gradient. It refuses: ask for those that require one.", raises=RuntimeError)
train_step.mistake("asks_for_unused_gradients",
    {"loss.backward()": "ps = [p for p in model.parameters() if p.requires_grad]\n    for p, gradient in zip(ps, torch.autograd.grad(loss, ps)): p.grad = gradient"},
    "You ask torch.autograd.grad for parameters that forward does not use. Allow it (allow_unused=True); skip the None they get.", raises=RuntimeError)
train_step.mistake("moves_frozen_parameters", {"model.zero_grad()": "for p in model.parameters(): p.grad = None if p.requires_grad else p.grad"},
    "You clear the gradients only of what learns, but step wherever a gradient is: a frozen parameter moves by an old one.")
train_step.mistake("moves_only_linear_weights", {"model.parameters()": "[m.weight for m in model.modules() if isinstance(m, nn.Linear)]"},
    "You move only the weights of nn.Linear layers. Biases and all else in model.parameters() learn, too.")
train_step.mistake("replaces_the_parameters",
    {"parameter in model.parameters()": "module, name, parameter in [(m, n, p) for m in model.modules() for n, p in m.named_parameters(recurse=False)]",
    "parameter -= lr * parameter.grad": "setattr(module, name, nn.Parameter(parameter - lr * parameter.grad))"},
    "You put new parameters into the model. Whoever holds the old ones is left behind: change them in place.")
train_step.mistake("gives_the_parameters_new_memory", {"parameter -=": "parameter.data = parameter -"},
    "You give the parameters new memory (`p.data = ...`): a state_dict taken before keeps the old. Change the numbers in place.")
train_step.mistake("switches_to_training_mode", {"model(x)": "model.train()(x)"},
    "You call model.train(), which sets the mode of every part. Modes are the caller's choice: leave them.")
