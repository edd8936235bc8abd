include("../common/manifest.py", board="HT_G12")
module("board.py", opt=3)
