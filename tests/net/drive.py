"""Runs all net tests, or those whose name contains an argument."""
import sys

import harness
import of_client  # noqa: F401
import of_fetch  # noqa: F401
import of_http  # noqa: F401
import of_tls  # noqa: F401
import of_ws  # noqa: F401

sys.exit(0 if harness.run_all(
    [a for a in sys.argv[3:] if not a.startswith("-")]) else 1)
