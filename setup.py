"""Places of the packages: in a wheel, the folders ``app`` and ``pretrained`` lie inside ``nonlocal_core``."""

from setuptools import find_packages, setup

INSIDE = ("app", "pretrained")

setup(
    packages=[
        *find_packages(include=["nonlocal_core*"]),
        *(f"nonlocal_core.{name}" for name in find_packages(include=["app*", "pretrained"])),
    ],
    package_dir={f"nonlocal_core.{name}": name for name in INSIDE},
)
