"""What a process of the grader's sets before it imports anything heavy. Any Python 3 can read this file, for an old one gets this far."""

import os
import sys


def compile_no_grammar():
    """Let jsonschema, which nbformat imports, not find what compiles a grammar of IRIs, for a second: no notebook's schema speaks of them."""
    sys.modules.setdefault("rfc3987_syntax", None)


def keep_all_bits():
    """Let oneDNN compute float32 with all its bits, also where the environment asks for fewer: a convolution is compared with products that other
    libraries compute. It reads this when torch is imported."""
    for name in ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"):
        if name in os.environ:
            os.environ[name] = "STRICT"
