# Names that viper's compiler knows without an import. A parameter declared as a pointer takes any buffer.
from typing import Any, TypeAlias

ptr8: TypeAlias = Any
ptr16: TypeAlias = Any
ptr32: TypeAlias = Any

class uint(int): ...
