include("../common/manifest.py")
module("board.py", opt=3)
