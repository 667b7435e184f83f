"""Make or refresh .venv with the pinned requirements: `python3 bootstrap.py requirements.txt …`.

Written so that Pythons which are too old can still parse it and say so.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
INSTALLER = "requirements-uv.txt"


def fail(line):
    sys.stderr.write(line + "\n")
    sys.exit(2)


def use_newer_python():
    """Start again under a newer Python of this machine, or say that there is none."""
    for minor in range(14, OLDEST[1] - 1, -1):
        newer = shutil.which("python3.{}".format(minor))
        if newer:
            os.execv(newer, [newer, *sys.argv])
    fail(
        "Python {}.{} or newer is needed; {} is {}.{}. Name another: make run PYTHON=/path/to/python3".format(
            OLDEST[0], OLDEST[1], sys.executable, sys.version_info[0], sys.version_info[1]
        )
    )


def fingerprint(files):
    digest = hashlib.sha256(os.path.realpath(VENV_PYTHON).encode())
    for name in [INSTALLER, *files]:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def run(what, command):
    # The environment of somebody's other project must not decide where packages go.
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    env.pop("PYTHONHOME", None)
    if subprocess.call(command, env=env, cwd=ROOT) != 0:
        fail("{} failed (see above): {}".format(what, " ".join(command)))


def python_of_venv():
    """Return the venv's version as "3.11", or None when it has none that runs."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output([VENV_PYTHON, "-c", code]).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def make_venv():
    ours = "{}.{}".format(*sys.version_info[:2])
    found = python_of_venv()
    # Over a whole venv this only mends what is missing, pip for one.
    whole = found and os.path.isdir(os.path.join(VENV, "lib", "python" + found))
    if whole and found != ours:
        return  # made with another Python by somebody who meant it
    clear = ["--clear"] if os.path.isdir(VENV) and not whole else []
    run(
        "Making .venv (on Debian: apt install python3-venv)",
        [sys.executable, "-m", "venv", *clear, VENV],
    )


def install(files):
    make_venv()
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run("Installing uv", [*pip, "--require-hashes", "-r", INSTALLER])
    command = [os.path.join(VENV, "bin", "uv"), "pip", "install", "--python", VENV_PYTHON]
    command += ["--quiet", "--require-hashes"]
    for name in files:
        command += ["-r", name]
    run("Installing " + " and ".join(files), command)


def main(files):
    if sys.version_info < OLDEST:
        use_newer_python()
    stamp = os.path.join(VENV, ".installed-" + "-".join(files))
    with open(os.path.abspath(__file__)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two `make run` at once in a fresh clone
        if os.path.exists(stamp) and os.path.exists(VENV_PYTHON):
            with open(stamp) as file:
                if file.read() == fingerprint(files):
                    return
        print("Installing what is pinned in " + " and ".join(files) + " into .venv ...", flush=True)
        install(files)
        with open(stamp, "w") as file:
            file.write(fingerprint(files))


if __name__ == "__main__":
    main(sys.argv[1:])
