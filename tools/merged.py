"""Makes one text of modules that go to one place: what their names become, and how each is changed."""

import ast
from collections import defaultdict

from tools.scopes import Uses, alias_name

_CONST = ("import", "micropython", "const")


class Bundle:
    """The modules that go to one place, and what their names become."""

    def __init__(self, program, place):
        self._program = program
        self._place = place
        self._modules = program.bundles[place]
        self._uses = {}
        self._known = defaultdict(set)  # {what a name stands for: names that are something else where it is used}
        self._foreign = set()
        for module in self._modules:
            self._uses[module] = uses = Uses(program.modules[module], program.bound[module], program.meaning)
            self._foreign |= uses.foreign
            for _, meaning, known in uses.found.values():
                if meaning:
                    self._known[self.key(meaning)] |= known
        self._names = {}
        self._give_names()

    def has(self, module):
        return self._program.place[module] == self._place

    def name(self, meaning):
        """Return the name that something has in this bundle."""
        return self._names[self.key(meaning)]

    def key(self, meaning):
        """Return what a name stands for in the end: of modules, the place where they are."""
        if meaning[0] == "module":
            return "module", self._program.place[meaning[1]]
        meaning = self._program.origin(meaning)
        return ("module", self._program.place[meaning[1]]) if meaning[0] == "module" else meaning

    def _give_names(self):
        taken = set(self._foreign)
        self._names[_CONST] = _CONST[-1]  # the compiler knows it by this name
        for module in sorted(self._modules, key=lambda name: name != self._place):  # those of the entry stay
            for name, meaning in self._program.bound[module].items():
                key = self.key(meaning)
                if key in self._names or key == ("module", self._place):
                    continue
                new, number = name, 0
                while new in taken or len(self._modules) > 1 and new in self._known[key]:
                    number += 1
                    new = f"{name}{number}"
                if new != name and module == self._place:
                    raise SystemExit(f"{self._place}: {name} is something else in a module of the bundle")
                self._names[key] = new
                taken.add(new)

    def text(self):
        """Return the text of the bundle."""
        imported, texts = set(), []
        for module in self._modules:
            tree = _Renamed(self._program, self, module, self._uses[module], imported).visit(self._program.modules[module])
            texts.append(ast.unparse(ast.fix_missing_locations(tree)))
        return "\n".join(texts) + "\n"


class _Renamed(ast.NodeTransformer):
    """Makes a module a part of its bundle."""

    def __init__(self, program, bundle, module, uses, imported):
        self._program, self._bundle, self._module, self._uses = program, bundle, module, uses
        self._imported = imported  # what the bundle has imported already
        self._top = {id(node) for node in program.modules[module].body}

    def _fail(self, what):
        raise SystemExit(f"{self._module}: {what}")

    def _meaning(self, node):
        return self._uses.found.get(id(node), (None, None))[1]

    def _is_ours(self, meaning):
        return meaning[0] == "module" and self._bundle.has(meaning[1])

    def visit_Name(self, node):
        meaning = self._meaning(node)
        if not meaning:
            return node
        if self._is_ours(meaning):
            self._fail(f"{node.id} is used as a module")
        local = self._program.bound[self._module].get(node.id) != meaning  # imported in a function
        if not local or self._is_dropped(meaning):
            node.id = self._bundle.name(meaning)
        return node

    def visit_Attribute(self, node):
        meaning = self._meaning(node)
        if not meaning:
            return self.generic_visit(node)
        name = self._program.name_of(*meaning)
        if not self._bundle.has(meaning[0]):
            node.attr = name
            return self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._fail(f"{node.attr} of another module is set")
        return ast.Name(name, node.ctx)

    def visit_Global(self, node):
        node.names = [self._bundle.name((self._module, name)) for name in node.names]
        return node

    def _defined(self, node):
        if self._meaning(node):
            node.name = self._bundle.name((self._module, node.name))
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _defined  # noqa: N815 - so ast calls them

    def _import(self, node):
        is_local = self._uses.imports[id(node)]
        new = {}  # {statement: aliases}
        for alias in node.names:
            meaning = self._program.meaning(node, alias)
            target = self._program.target(node, alias)
            if target and self._bundle.has(target[0]) and (is_local or id(node) in self._top):
                continue
            if meaning is None:
                new.setdefault(("", self._program.place[target[0]]), []).append(ast.alias(self._program.place[target[0]]))
                continue
            bound = alias_name(alias)
            if not is_local and id(node) in self._top:
                key = self._bundle.key(meaning)
                if key in self._imported:
                    continue
                self._imported.add(key)
                bound = self._bundle.name(meaning)
            elif not is_local:
                bound = self._bundle.name((self._module, bound))
            module, name = self._from(node, alias, target)
            new.setdefault(("from" if module else "", module), []).append(ast.alias(name, bound if bound != name else None))
        made = [ast.ImportFrom(key[1], names, 0) if key[0] else ast.Import(names) for key, names in new.items()]
        return made or ast.Pass()

    visit_Import = visit_ImportFrom = _import  # noqa: N815

    def _from(self, node, alias, target):
        """Return (module, name) to import: module None for the module `name` itself."""
        if not target:
            return (node.module if isinstance(node, ast.ImportFrom) else None), alias.name
        module, name = target
        if name is None:
            return self._program.place[module].rpartition(".")[::2]
        return self._program.place[module], self._program.name_of(module, name)

    def _is_dropped(self, meaning):
        return meaning[0] in self._program.modules and self._bundle.has(meaning[0])
