"""Compile the hot modules; all else about the package is in pyproject.toml.

They are plain Python that Cython compiles as it stands. On a machine that cannot compile (no Cython, no C compiler, no
Python.h) they are installed all the same, and run interpreted. A module that fails to compile on a machine that can is
an error: a fault of ours, to be seen. AUTODIFF_PURE=1 compiles nothing.
"""

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

# The Makefile reads these paths too, to see when to compile again.
HOT_MODULES = [
    "autodiff/engine/kernels.py",
    "autodiff/engine/value.py",
    "autodiff/optim/optimizers.py",
    "autodiff/compiler/integers.py",
    "autodiff/compiler/scalars.py",
    "autodiff/compiler/machine.py",
    "autodiff/compiler/recorded.py",
    "autodiff/compiler/adjoint.py",
    "autodiff/compiler/simplify.py",
    "autodiff/compiler/loops.py",
    "autodiff/compiler/members.py",
    "autodiff/compiler/roll.py",
    "autodiff/compiler/slots.py",
    "autodiff/compiler/trace.py",
]

# Where every index is known to be in range, and a division by zero has IEEE's answer.
UNCHECKED = {"boundscheck": False, "wraparound": False, "cdivision": True, "initializedcheck": False, "nonecheck": False}
DIRECTIVES = {
    "autodiff.engine.kernels": UNCHECKED,
    "autodiff.engine.value": UNCHECKED,
    "autodiff.compiler.scalars": UNCHECKED,
    "autodiff.compiler.machine": UNCHECKED,
    "autodiff.optim.optimizers": UNCHECKED | {"annotation_typing": False},  # its loops say where an annotation is a C type
}

# A fused multiply-add, where the processor has one, would round otherwise than the interpreter does; the error is GCC 14's own.
FLAGS = ["-O3", "-g0", "-ffp-contract=off", "-Werror=incompatible-pointer-types"]

# What lets the C compiler vectorise loops, and what does not: those within scalar steps are short.
VECTORISE = ["-fno-math-errno", "-fno-trapping-math"]
NARROW = ["-fno-tree-vectorize"]
EXTRA_FLAGS = {
    "autodiff.engine.kernels": VECTORISE,
    "autodiff.compiler.machine": VECTORISE,
    "autodiff.compiler.scalars": NARROW,
}


# Microsoft's compiler contracts nothing under its own precise model, and needs no -lm.
MSVC_FLAGS = ["/O2", "/fp:precise"]


class BuildExtensions(build_ext):
    """Compiles, through Cython, where the machine can."""

    def initialize_options(self):
        super().initialize_options()
        self.cython_c_in_temp = True  # keeps the generated C out of the source tree

    def build_extensions(self):
        obstacle = self.find_obstacle()
        if obstacle:
            print(f"autodiff: not compiled, {obstacle}; going on interpreted: same results, more slowly", flush=True)
            for extension in self.extensions:  # what an earlier build left must not answer for today's source
                Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
                Path(self.get_ext_filename(extension.name)).unlink(missing_ok=True)
            self.extensions = []
            return
        for extension in self.extensions:
            if self.compiler.compiler_type == "msvc":
                extension.extra_compile_args = MSVC_FLAGS
            else:  # GCC and clang, on Windows too ("mingw32")
                extension.extra_compile_args = [*FLAGS, *EXTRA_FLAGS.get(extension.name, [])]
                extension.libraries = ["m"]
        for extension in self.extensions:
            extension.cython_directives = {"language_level": 3} | DIRECTIVES.get(extension.name, {})
        super().build_extensions()
        print("autodiff: compiled", *(extension.name for extension in self.extensions), flush=True)

    def find_obstacle(self):
        """Why this machine cannot compile an extension module, found by compiling an empty one; None if it can."""
        if find_spec("Cython") is None:
            return "Cython is not installed"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text("#include <Python.h>\nint autodiff_probe;\n")
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder)
                self.compiler.link_shared_object(objects, str(Path(folder, "probe.out")))
            except (BaseError, CCompilerError):
                command = getattr(self.compiler, "compiler_so", [None])[0]
                if command and not shutil.which(command):
                    return f"no C compiler ({command} is not on PATH)"
                if not any(Path(include, "Python.h").exists() for include in self.include_dirs):
                    return "Python's headers are missing (no Python.h; Debian and Ubuntu have it in python3-dev)"
                return f"the C compiler ({command}) cannot build even an empty module"
        return None


def extensions():
    if os.environ.get("AUTODIFF_PURE") == "1":
        return []
    return [
        Extension(
            path.removesuffix(".py").replace("/", "."),
            [path],
            # A Value has no finalizer of Python's kind; without the slot for one, releasing a node is faster.
            define_macros=[("CYTHON_USE_TP_FINALIZE", "0")],
            depends=["setup.py"],  # whose flags may have changed
        )
        for path in HOT_MODULES
        if Path(path).exists()
    ]


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExtensions})
