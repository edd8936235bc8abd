include("../common/manifest.py", board="ES_951")
module("board.py", opt=3)
