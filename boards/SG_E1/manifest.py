include("../common/manifest.py", board="SG_E1")
module("board.py", opt=3)
