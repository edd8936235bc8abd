import sys

from tools.rig.command_line import main

sys.exit(main())
