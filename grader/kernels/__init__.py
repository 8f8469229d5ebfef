"""Running a notebook's code: `session` drives a kernel from outside, `inside` is what the kernel is asked to run."""
