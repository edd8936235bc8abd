include("../common/manifest.py", board="HT_E22")
module("board.py", opt=3)
