"""What an operation does with the gradient that arrives at its output, in words."""

_SAME_NUMBERS = "the same gradient, in the input's shape"
_TURNED_BACK = "the same gradient, turned back"
_TAKEN = "to where it was taken from; elsewhere zero"
_LARGEST = "routes it to the larger input"
_MATRICES = "times the other matrix, transposed"
_POOLED = "routes it to the largest pixel of each window"
_SHARED = "shared evenly by the pixels of each window"
_WEIGHTED_SUM = "to the input by the weights transposed; to the weights times the input"
_CONVOLVED = "to the input convolved with the turned weights; to the weights the input convolved"

_RULES = {
    "add": "passes it on to both",
    "sub": "passes it on; negated to the second",
    "rsub": "passes it on; negated to the first",
    "mul": "swaps: times the other factor",
    "div": "divided by the denominator; to that, times −y",
    "neg": "negated",
    "pow": "times n·xⁿ⁻¹",
    "square": "times 2x",
    "sqrt": "divided by 2y",
    "exp": "times y",
    "log": "divided by x",
    "sin": "times cos x",
    "cos": "times −sin x",
    "abs": "times the sign of x",
    "matmul": _MATRICES,
    "mm": _MATRICES,
    "bmm": _MATRICES,
    "linear": _WEIGHTED_SUM,
    "conv1d": _CONVOLVED,
    "conv2d": _CONVOLVED,
    "conv3d": _CONVOLVED,
    "embedding": "added to the rows that were looked up",
    "relu": "passes where x > 0",
    "leaky_relu": "passes where x > 0, else times the slope",
    "elu": "passes where x > 0, else times eˣ·a",
    "selu": "times 1.0507 where x > 0, else times 1.7581·eˣ",
    "sigmoid": "times y(1 − y), at most ¼",
    "tanh": "times 1 − y², at most 1",
    "softplus": "times σ(x)",
    "prelu": "passes where x > 0, else times the slope; to that, times x",
    "gelu": "times Φ(x) + x·φ(x)",
    "silu": "times σ(x)·(1 + x(1 − σ(x)))",
    "softmax": "times y, less its mean under y",
    "log_softmax": "less softmax times its sum",
    "logsumexp": "times softmax",
    "sum": "copied to every summand",
    "mean": "copied to each, divided by their number",
    "max": _LARGEST,
    "amax": _LARGEST,
    "maximum": _LARGEST,
    "min": "routes it to the smaller input",
    "minimum": "routes it to the smaller input",
    "clamp": "passes within the bounds",
    "hardtanh": "passes within the bounds",
    "relu6": "passes within the bounds",
    "where": "to the one that was chosen",
    "max_pool1d": _POOLED,
    "max_pool2d": _POOLED,
    "adaptive_max_pool2d": _POOLED,
    "avg_pool1d": _SHARED,
    "avg_pool2d": _SHARED,
    "adaptive_avg_pool2d": _SHARED,
    "dropout": "through the mask of the forward pass",
    "batch_norm": "less its mean and its share along y, divided by the deviation",
    "layer_norm": "less its mean and its share along y, divided by the deviation",
    "group_norm": "less its mean and its share along y, divided by the deviation",
    "local_response_norm": "divided by the scale, less a share of its neighbours",
    "multi_head_attention_forward": "by the attention to values; through softmax to queries, keys",
    "scaled_dot_product_attention": "by the attention to values; through softmax to queries, keys",
    "cross_entropy": "softmax less the target",
    "nll_loss": "−1 to the target's class",
    "mse_loss": "times 2(x − y), divided by their number",
    "l1_loss": "times the sign of x − y, divided by their number",
    "binary_cross_entropy_with_logits": "σ(x) less the target",
    "flatten": _SAME_NUMBERS,
    "reshape": _SAME_NUMBERS,
    "view": _SAME_NUMBERS,
    "squeeze": _SAME_NUMBERS,
    "unsqueeze": _SAME_NUMBERS,
    "expand": "added up over the copies",
    "repeat": "added up over the copies",
    "clone": "the same gradient",
    "contiguous": "the same gradient",
    "to": "the same gradient, in the input's precision",
    "permute": _TURNED_BACK,
    "transpose": _TURNED_BACK,
    "T": _TURNED_BACK,
    "mT": _TURNED_BACK,
    "cat": "cut into the pieces",
    "stack": "cut into the pieces",
    "getitem": _TAKEN,
    "select": _TAKEN,
    "narrow": _TAKEN,
    "split": _TAKEN,
    "chunk": _TAKEN,
    "unbind": _TAKEN,
    "pad": "cut to the inside",
    "lstm": "back through the steps of time",
    "gru": "back through the steps of time",
}


def rule(operation: str) -> str:
    """Return what the operation does with the gradient; x is its input, y its output.

    Example:
        >>> rule("add"), rule("erfinv")
        ('passes it on to both', 'times its own derivative')
    """
    return _RULES.get(operation, "times its own derivative")


# Methods and operators under the name of the function that they are.
_SYNONYMS = {
    "radd": "add",
    "iadd": "add",
    "isub": "sub",
    "rmul": "mul",
    "imul": "mul",
    "multiply": "mul",
    "subtract": "sub",
    "truediv": "div",
    "rtruediv": "div",
    "true_divide": "div",
    "divide": "div",
    "itruediv": "div",
    "rmatmul": "matmul",
    "rpow": "pow",
    "rdiv": "div",
    "reciprocal": "div",
    "setitem": "setitem",
    "concat": "cat",
    "concatenate": "cat",
    "swapaxes": "transpose",
    "view_as": "view",
    "negative": "neg",
    "feature_dropout": "dropout",
    "dropout2d": "dropout",
}


def operation_name(function: str) -> str:
    """Return the plain name of a function of torch: `__radd__` and `add_` are additions.

    Example:
        >>> [operation_name(name) for name in ("__radd__", "relu_", "boolean_dispatch")]
        ['add', 'relu', 'boolean_dispatch']
    """
    name = function.strip("_").removeprefix("_")
    return _SYNONYMS.get(name, name)
