#!/usr/bin/python3 -B
"""In the image's last stage but one: compiles what certbot loads, so that no run of it has to, which
takes a second of CPU, or keeps what it compiled in the container's memory.

The same bits each time: neither the time of a file is in them nor the order of a hash.
"""

import os
import py_compile
import subprocess
import sys

LOADS = """
import contextlib, io, sys
from certbot.main import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["plugins", "--quiet", *(f"--{name}-dir=/tmp/certbot" for name in ("config", "work", "logs"))])
for module in list(sys.modules.values()):
    if (getattr(module, "__file__", None) or "").endswith(".py"):
        print(module.__file__)
"""
FIXED = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

if len(sys.argv) > 1:
    for file in sys.argv[1:]:
        py_compile.compile(
            file, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
else:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADS], env=FIXED, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    files = sorted({os.path.abspath(file) for file in loaded})
    subprocess.run([sys.executable, __file__, *files], env=FIXED, check=True)
    subprocess.run(["rm", "-rf", "/tmp/certbot"], check=True)
