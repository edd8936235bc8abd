include("../common/manifest.py", board="SG_W1")
module("board.py", opt=3)
