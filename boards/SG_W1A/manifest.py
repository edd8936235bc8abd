include("../common/manifest.py", board="SG_W1A")
module("board.py", opt=3)
