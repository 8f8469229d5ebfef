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


@train_step.impostor("Old gradients leak in: backward() adds to .grad, and you never clear it. Clear it before backward().")
def never_clears_the_gradients(model, x, y, lr):
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.requires_grad and p.grad is not None]:
        p.data -= lr * p.grad
    return loss.item()


@train_step.impostor(
    "You clear the gradients after your step. What somebody else left there before it leaks in: clear them before backward()."
)
def clears_the_gradients_afterwards(model, x, y, lr):
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.requires_grad and p.grad is not None]:
        p.data -= lr * p.grad
    model.zero_grad()
    return loss.item()


@train_step.impostor("Your step goes uphill. The gradient points to where the loss grows: subtract it.")
def steps_uphill(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data += lr * p.grad
    return loss.item()


@train_step.impostor("You subtract the gradient itself. The step is lr times the gradient.")
def forgets_the_learning_rate(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= p.grad
    return loss.item()


@train_step.impostor("Your loss is the sum over the batch, so the step grows with the batch. Take the mean.")
def sums_the_loss(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y, reduction="sum")
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad
    return loss.item()


@train_step.impostor("You divide the gradient by the batch size. The loss is a mean: 1/B is already inside its gradient.")
def divides_by_the_batch_again(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad / len(x)
    return loss.item()


@train_step.impostor("You apply softmax before cross-entropy, which takes it again. Give it the model's outputs as they are.")
def takes_softmax_twice(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x).softmax(-1), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad
    return loss.item()


@train_step.impostor("You return the loss after the step. Asked for is the loss that the step was made from.")
def returns_the_loss_after_the_step(model, x, y, lr):
    model.zero_grad()
    F.cross_entropy(model(x), y).backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad
    return F.cross_entropy(model(x), y).item()


@train_step.impostor("You return a tensor, which keeps the graph of the step alive. loss.item() is the plain float.")
def returns_a_tensor(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad
    return loss


@train_step.impostor(
    "Your parameters do not move. `p = p - lr * p.grad` only makes a new tensor and calls it p: change the parameter in place, "
    "`p -= ...`. Gradients that are cleared after backward() have the same effect."
)
def renames_instead_of_changing(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p = p - lr * p.grad
    return loss.item()


@train_step.impostor("You change parameters while autograd is recording, which it refuses. Step inside `with torch.no_grad():`.", raises=RuntimeError)
def steps_under_autograd(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p -= lr * p.grad
    return loss.item()


@train_step.impostor("A frozen or unused parameter has no gradient: None stands in its place. Skip it.", raises=TypeError)
def expects_a_gradient_everywhere(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in model.parameters():
        p.data -= lr * p.grad
    return loss.item()


@train_step.impostor("You ask torch.autograd.grad for a frozen parameter's gradient. It refuses: ask for those that require one.", raises=RuntimeError)
def asks_for_frozen_gradients(model, x, y, lr):
    loss = F.cross_entropy(model(x), y)
    for p, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
        p.data -= lr * gradient
    return loss.item()


@train_step.impostor(
    "You ask torch.autograd.grad for parameters that forward does not use. Allow it (allow_unused=True); skip the None they get.",
    raises=RuntimeError,
)
def asks_for_unused_gradients(model, x, y, lr):
    learning = [p for p in model.parameters() if p.requires_grad]
    loss = F.cross_entropy(model(x), y)
    for p, gradient in zip(learning, torch.autograd.grad(loss, learning)):
        p.data -= lr * gradient
    return loss.item()


@train_step.impostor(
    "You clear the gradients only of what learns, but step wherever a gradient is: a frozen parameter moves by an old one."
)
def moves_frozen_parameters(model, x, y, lr):
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = None
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad
    return loss.item()


@train_step.impostor("You move only the weights of nn.Linear layers. Biases and all else in model.parameters() learn, too.")
def moves_only_linear_weights(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.weight.grad is not None:
            module.weight.data -= lr * module.weight.grad
    return loss.item()


@train_step.impostor("You put new parameters into the model. Whoever holds the old ones is left behind: change them in place.")
def replaces_the_parameters(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.grad is not None:
                setattr(module, name, nn.Parameter((parameter - lr * parameter.grad).detach()))
    return loss.item()


@train_step.impostor(
    "You give the parameters new memory (`p.data = ...`): a state_dict taken before keeps the old. Change the numbers in place."
)
def gives_the_parameters_new_memory(model, x, y, lr):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data = p.data - lr * p.grad
    return loss.item()


@train_step.impostor("You call model.train(), which sets the mode of every part. Modes are the caller's choice: leave them.")
def switches_to_training_mode(model, x, y, lr):
    model.train()
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for p in [p for p in model.parameters() if p.grad is not None]:
        p.data -= lr * p.grad
    return loss.item()
