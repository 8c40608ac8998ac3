//! Which file of a crate imports which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;

use super::file::{File, Import, Path};

/// Re-exports through which a name is followed.
const STEPS_MAX: usize = 50;

/// A module of a file of its own, by its path from the root of the crate.
type Module = Vec<String>;

/// The files of a crate, and who imports whom, with the first line that does.
#[derive(Debug, Default)]
pub(super) struct Graph {
    files: BTreeMap<Module, File>,
    /// Paths of the files below `src`.
    names: BTreeMap<Module, String>,
    pub(super) edges: BTreeMap<(Module, Module), usize>,
}

impl Graph {
    /// Reads a crate from its root, such as `src/lib.rs`.
    pub(super) fn read(root: &FilePath) -> Self {
        let mut graph = Self::default();
        let folder = root.parent().unwrap_or(root);
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        graph.enter(folder, Vec::new(), name);
        graph.connect();
        graph
    }

    fn enter(&mut self, folder: &FilePath, module: Module, name: String) {
        let source = std::fs::read_to_string(folder.join(&name)).unwrap();
        let file = File::read(&source);
        for child in &file.modules {
            let path: Module = module.iter().chain([child]).cloned().collect();
            let beside = format!("{}.rs", path.join("/"));
            let inside = format!("{}/mod.rs", path.join("/"));
            // A file elsewhere (`#[path]`) is one of another crate's tests.
            let found = [beside, inside].into_iter().find(|name| folder.join(name).exists());
            if let Some(found) = found {
                self.enter(folder, path, found);
            }
        }
        self.names.insert(module.clone(), name);
        self.files.insert(module, file);
    }

    pub(super) fn name(&self, module: &[String]) -> &str {
        &self.names[module]
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.files.keys()
    }

    fn connect(&mut self) {
        let mut edges = BTreeMap::new();
        for (module, file) in &self.files {
            let mut imports = |target: Option<Module>, line: usize| {
                if let Some(target) = target.filter(|target| target != module) {
                    let first = edges.entry((module.clone(), target)).or_insert(line);
                    *first = line.min(*first);
                }
            };
            for import in &file.imports {
                // To re-export is not to import, unless the file uses the name itself.
                let used = file.words.get(&import.name);
                if !import.public || used.is_some() {
                    imports(self.resolve(module, &import.path), import.path.line);
                }
            }
            for path in &file.paths {
                imports(self.resolve(module, path), path.line);
            }
        }
        self.edges = edges;
    }

    /// The file that defines what a path names, if that is one of this crate.
    fn resolve(&self, from: &Module, path: &Path) -> Option<Module> {
        self.follow(from, &path.segments, &mut BTreeSet::new())
    }

    fn follow(
        &self,
        from: &Module,
        segments: &[String],
        seen: &mut BTreeSet<(Module, Vec<String>)>,
    ) -> Option<Module> {
        if !seen.insert((from.clone(), segments.to_vec())) || seen.len() > STEPS_MAX {
            return None;
        }
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => self.descend(&Module::new(), rest, seen),
            "self" => self.descend(from, rest, seen),
            "super" => {
                let (_, parent) = from.split_last()?;
                let parent = parent.to_vec();
                if rest.first().is_some_and(|next| next == "super") {
                    return self.follow(&parent, rest, seen);
                }
                self.descend(&parent, rest, seen)
            }
            name => {
                let file = self.files.get(from)?;
                if file.modules.contains(name) {
                    return self.descend(from, segments, seen);
                }
                // A name that an import of this file binds leads on.
                let bound = file.imports.iter().find(|import| import.name == name)?;
                if bound.path.segments.first().is_some_and(|first| first == name) {
                    // `use bytes::bytes` names another crate.
                    return None;
                }
                self.follow(from, &joined(bound, rest), seen)
            }
        }
    }

    /// What a path names that begins in this module.
    fn descend(
        &self,
        module: &Module,
        segments: &[String],
        seen: &mut BTreeSet<(Module, Vec<String>)>,
    ) -> Option<Module> {
        let file = self.files.get(module)?;
        let Some((first, rest)) = segments.split_first() else { return Some(module.clone()) };
        if file.modules.contains(first) {
            let child: Module = module.iter().chain([first]).cloned().collect();
            return self.descend(&child, rest, seen);
        }
        if first == "*" || file.items.contains(first) {
            return Some(module.clone());
        }
        if let Some(bound) = file.imports.iter().find(|import| import.name == *first) {
            return self.follow(module, &joined(bound, rest), seen);
        }
        for glob in file.imports.iter().filter(|import| import.name == "*") {
            let place = &glob.path.segments[..glob.path.segments.len() - 1];
            let path: Vec<String> = place.iter().chain(segments).cloned().collect();
            if let Some(found) = self.follow(module, &path, seen)
                && self.files[&found].items.contains(first)
            {
                return Some(found);
            }
        }
        Some(module.clone())
    }

    /// Sets of files, or of the rooms below one module, that reach each other.
    pub(super) fn circles(&self, room: impl Fn(&Module) -> Option<Module>) -> Vec<Vec<String>> {
        let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, to) in self.edges.keys() {
            if let (Some(from), Some(to)) = (room(from), room(to))
                && from != to
            {
                edges.entry(from).or_default().insert(to);
            }
        }
        let reach = |start: &Module| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![start.clone()]);
            while let Some(module) = next.pop() {
                for other in edges.get(&module).into_iter().flatten() {
                    if seen.insert(other.clone()) {
                        next.push(other.clone());
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<&Module, BTreeSet<Module>> =
            edges.keys().map(|module| (module, reach(module))).collect();
        let mut circles = BTreeSet::new();
        for (module, others) in &reached {
            let back =
                |other: &&Module| reached.get(other).is_some_and(|all| all.contains(*module));
            let circle: BTreeSet<Module> = others.iter().filter(back).cloned().collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.iter().map(|circle| self.arrows(circle, &room)).collect()
    }

    /// The imports inside a circle, a line each.
    fn arrows(
        &self,
        circle: &BTreeSet<Module>,
        room: &impl Fn(&Module) -> Option<Module>,
    ) -> Vec<String> {
        let inside = |module: &Module| room(module).filter(|room| circle.contains(room));
        let arrows = self.edges.iter().filter(|((from, to), _)| {
            let (from, to) = (inside(from), inside(to));
            from.is_some() && to.is_some() && from != to
        });
        arrows
            .map(|((from, to), line)| format!("{}:{line} -> {}", self.name(from), self.name(to)))
            .collect()
    }
}

fn joined(import: &Import, rest: &[String]) -> Vec<String> {
    import.path.segments.iter().chain(rest).cloned().collect()
}
