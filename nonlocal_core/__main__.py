"""``python -m nonlocal_core``."""

import sys

from nonlocal_core.cli import main

sys.exit(main())
