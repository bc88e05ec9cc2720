"""`python -m kaiwa_client` is the command `kaiwa`."""

import sys

from kaiwa_client.cli import main

sys.exit(main())
