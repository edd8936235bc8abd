"""What the names in a module stand for: which are of the module, and which names of functions are around each use of one."""

import ast

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_IMPORTS = (ast.Import, ast.ImportFrom)
LOCAL = object()  # what a name of a function or a class stands for


def alias_name(alias):
    """Return the name that an import binds."""
    return alias.asname or alias.name.partition(".")[0]


def top_names(node):
    """Yield the names that a statement of a module binds there."""
    for each in _own_nodes([node]):
        yield from _binds(each)


class Uses:
    """`found`: {id(node): (node, what it stands for, names of functions that are known there)} of each node with a name of the
    module: names, definitions, attributes of modules. `foreign`: names that nobody binds. `imports`: {id(node): whether it is
    in a function} of each import.

    `bound`: {name: what it stands for} of the module; `imported(node, alias)` returns that of an import, None: not to be known.
    """

    def __init__(self, tree, bound, imported):
        self.found = {}
        self.foreign = set()
        self.imports = {}
        self._bound = bound
        self._imported = imported
        self._scopes = []  # of the functions and classes around, the innermost last
        self._look(tree)

    def _look(self, node):
        if isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, _FUNCTIONS):
            self._function(node)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node)
        elif isinstance(node, _IMPORTS):
            self.imports[id(node)] = bool(self._scopes)
        elif isinstance(node, ast.Name):
            self._name(node, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            self._attribute(node)
        elif isinstance(node, ast.Global):
            self.found[id(node)] = node, None, set()
        elif isinstance(node, ast.ExceptHandler) and node.name and not self._scopes:
            raise SystemExit(f"line {node.lineno}: an exception gets the name {node.name} outside of functions")
        else:
            self._all(ast.iter_child_nodes(node))

    def _all(self, nodes):
        for node in nodes:
            self._look(node)

    def _meaning(self, name):
        """Return what a name stands for here: LOCAL, or as `bound` has it; None: nobody binds it."""
        for scope in reversed(self._scopes):
            if name in scope:
                if scope[name] is not None:
                    return scope[name]
                break  # said to be global
        return self._bound.get(name)

    def _known(self):
        return {name for scope in self._scopes for name, meaning in scope.items() if meaning is not None}

    def _name(self, node, name):
        meaning = self._meaning(name)
        if meaning is None:
            self.foreign.add(name)
        elif meaning is not LOCAL:
            self.found[id(node)] = node, meaning, self._known() - {name}

    def _attribute(self, node):
        meaning = self._meaning(node.value.id)
        self._name(node.value, node.value.id)
        if meaning not in (None, LOCAL) and meaning[0] == "module":
            self.found[id(node)] = node, (meaning[1], node.attr), self._known() - {node.value.id}

    def _defined(self, node):
        if not self._scopes:
            self._name(node, node.name)

    def _function(self, node):
        if not isinstance(node, ast.Lambda):
            self._defined(node)
        self._all(_evaluated(node))
        self._body(node)

    def _body(self, node):
        body = node.body if isinstance(node.body, list) else [node.body]
        self._within(self._scope(node.args, body), body)

    def _scope(self, arguments, body):
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        scope = {each.arg: LOCAL for each in named if each}
        imported, nonlocal_ = {}, set()
        for node in _own_nodes(body):
            if isinstance(node, _IMPORTS):
                for alias in node.names:
                    imported[alias_name(alias)] = self._imported(node, alias) or LOCAL
            elif isinstance(node, ast.Global):
                scope |= dict.fromkeys(node.names)
            elif isinstance(node, ast.Nonlocal):
                nonlocal_.update(node.names)
            else:
                for name in _binds(node):
                    scope.setdefault(name, LOCAL)
        for name in imported.keys() & scope.keys():
            raise SystemExit(f"{name} is imported in a function that binds it, too")
        return {name: meaning for name, meaning in (scope | imported).items() if name not in nonlocal_}

    def _class(self, node):
        self._defined(node)
        self._all([*node.decorator_list, *node.bases])
        own = {name for each in node.body for name in top_names(each)}
        for each in node.body:
            if isinstance(each, _FUNCTIONS):
                self._within(dict.fromkeys(own, LOCAL), _evaluated(each))
                self._body(each)  # which does not see the names of the class
            else:
                for name in own & self._bound.keys() & {part.id for part in ast.walk(each) if isinstance(part, ast.Name)}:
                    raise SystemExit(f"{name} of class {node.name} is a name of the module, too")
                self._within(dict.fromkeys(own, LOCAL), [each])

    def _comprehension(self, node):
        scope = {name: LOCAL for each in node.generators for name in top_names(each.target)}
        self._within(scope, list(ast.iter_child_nodes(node)))

    def _within(self, scope, nodes):
        self._scopes.append(scope)
        self._all(nodes)
        self._scopes.pop()


def _evaluated(function):
    """Return the nodes of a function that count where it is defined."""
    arguments = function.args
    return [*getattr(function, "decorator_list", ()), *arguments.defaults, *(each for each in arguments.kw_defaults if each)]


def _own_nodes(nodes):
    """Yield all nodes but those within a function, a class or a comprehension of theirs, which come themselves."""
    for node in nodes:
        yield node
        if isinstance(node, (ast.ClassDef, *_FUNCTIONS, *_COMPREHENSIONS)):
            continue
        yield from _own_nodes(ast.iter_child_nodes(node))


def _binds(node):
    """Yield the names that a node itself binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, _IMPORTS):
        yield from (alias_name(alias) for alias in node.names)
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
