"""``python -m sweeps.cli`` is ``steadysweep``."""

import sys

from sweeps.cli.main import main

sys.exit(main())
