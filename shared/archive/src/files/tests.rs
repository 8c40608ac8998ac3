//! A disk that forgets.
//!
//! [`Disk`] keeps the names and bytes that processes see, and a list of changes that are not
//! durable yet. A power loss keeps an arbitrary subset of those changes; the tests try every
//! subset at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;

type Inode = usize;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// The bytes of a file.
    Content(Inode),
    /// A name in a directory appears or changes.
    Set(PathBuf, Inode),
    /// A name in a directory disappears.
    Unset(PathBuf),
}

impl Change {
    fn is_in(&self, directory: &Path) -> bool {
        match self {
            Self::Content(_) => false,
            Self::Set(path, _) | Self::Unset(path) => path.parent() == Some(directory),
        }
    }
}

/// What a disk holds. Directories are inodes without content.
#[derive(Debug, Clone, Default)]
struct State {
    contents: Vec<Option<Vec<u8>>>,
    names: BTreeMap<PathBuf, Inode>,
    durable_names: BTreeMap<PathBuf, Inode>,
    durable_contents: BTreeSet<Inode>,
    pending: Vec<Change>,
    operations: Vec<String>,
    /// Operations that still happen before the process dies.
    budget: usize,
}

#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn with_budget(budget: usize) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().budget = budget;
        disk
    }

    fn step<T>(
        &self,
        name: String,
        step: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        if state.budget == 0 {
            return Err(io::Error::other("dead"));
        }
        state.budget -= 1;
        state.operations.push(name);
        step(&mut state)
    }

    /// What an object may be after a power loss: every possibility.
    fn after_power_loss(&self, path: &Path) -> BTreeSet<Option<Vec<u8>>> {
        let state = self.0.lock().unwrap();
        assert!(state.pending.len() < 16, "too many subsets: {:?}", state.pending);
        (0..1_u32 << state.pending.len())
            .map(|kept| {
                let mut names = state.durable_names.clone();
                let mut contents = state.durable_contents.clone();
                for (number, change) in state.pending.iter().enumerate() {
                    if kept & (1 << number) == 0 {
                        continue;
                    }
                    match change {
                        Change::Content(inode) => drop(contents.insert(*inode)),
                        Change::Set(path, inode) => drop(names.insert(path.clone(), *inode)),
                        Change::Unset(path) => drop(names.remove(path)),
                    }
                }
                let reachable = path
                    .ancestors()
                    .skip(1)
                    .take_while(|ancestor| *ancestor != Path::new("/disk"))
                    .all(|ancestor| names.contains_key(ancestor));
                let inode = names.get(path).filter(|_| reachable)?;
                let content = state.contents[*inode].clone().unwrap();
                // Bytes that were not synced are lost, torn or garbage.
                Some(if contents.contains(inode) { content } else { b"garbage".to_vec() })
            })
            .collect()
    }

    fn operations(&self) -> Vec<String> {
        self.0.lock().unwrap().operations.clone()
    }
}

fn shown(path: &Path) -> String {
    let path = path.strip_prefix("/disk").unwrap().to_str().unwrap();
    if path.starts_with(STAGING) && path.len() > STAGING.len() {
        "staged".into()
    } else {
        path.into()
    }
}

impl Files for Disk {
    type Open = Inode;

    fn write_new(&self, path: &Path, parts: &[Bytes]) -> io::Result<Inode> {
        self.step(format!("write {}", shown(path)), |state| {
            let inode = state.contents.len();
            state.contents.push(Some(parts.concat()));
            state.names.insert(path.into(), inode);
            state.pending.extend([Change::Set(path.into(), inode), Change::Content(inode)]);
            Ok(inode)
        })
    }

    fn sync_file(&self, file: &Inode) -> io::Result<()> {
        self.step("sync file".into(), |state| {
            state.pending.retain(|change| *change != Change::Content(*file));
            state.durable_contents.insert(*file);
            Ok(())
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(format!("link {}", shown(to)), |state| {
            if state.names.contains_key(to) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let inode = state.names[from];
            state.names.insert(to.into(), inode);
            state.pending.push(Change::Set(to.into(), inode));
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(format!("rename {}", shown(to)), |state| {
            let inode = state.names.remove(from).unwrap();
            state.names.insert(to.into(), inode);
            state.pending.extend([Change::Set(to.into(), inode), Change::Unset(from.into())]);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(format!("remove {}", shown(path)), |state| {
            state.names.remove(path).ok_or(ErrorKind::NotFound)?;
            state.pending.push(Change::Unset(path.into()));
            Ok(())
        })
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step(format!("mkdir {}", shown(path)), |state| {
            if state.names.contains_key(path) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let inode = state.contents.len();
            state.contents.push(None);
            state.names.insert(path.into(), inode);
            state.pending.push(Change::Set(path.into(), inode));
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(format!("sync /{}", shown(path)), |state| {
            for change in &state.pending {
                match change {
                    Change::Set(name, inode) if change.is_in(path) => {
                        state.durable_names.insert(name.clone(), *inode);
                    }
                    Change::Unset(name) if change.is_in(path) => {
                        state.durable_names.remove(name);
                    }
                    Change::Content(_) | Change::Set(..) | Change::Unset(_) => {}
                }
            }
            state.pending.retain(|change| !change.is_in(path));
            Ok(())
        })
    }
}

const OBJECT: &str = "/disk/log/commit/1";

fn put(disk: &Disk, bytes: &'static str, mode: Mode) -> io::Result<()> {
    Writer::new("/disk".into(), disk.clone()).put(
        Path::new(OBJECT),
        &[Bytes::from_static(bytes.as_bytes())],
        mode,
    )
}

fn possible(states: &[Option<&str>]) -> BTreeSet<Option<Vec<u8>>> {
    states.iter().map(|state| state.map(|bytes| bytes.as_bytes().to_vec())).collect()
}

#[test]
fn a_file_is_synced_before_it_has_a_name_and_its_directories_before_the_answer() {
    let disk = Disk::with_budget(usize::MAX);
    put(&disk, "new", Mode::Create).unwrap();
    assert_eq!(
        disk.operations(),
        [
            "mkdir log",
            "sync /",
            "mkdir log/commit",
            "sync /log",
            "mkdir .staging",
            "sync /",
            "write staged",
            "sync file",
            "link log/commit/1",
            "remove staged",
            "sync /log/commit",
        ]
    );
}

#[test]
fn a_created_object_is_whole_or_absent_whenever_the_power_fails() {
    let steps = 11;
    for budget in 0..=steps {
        let disk = Disk::with_budget(budget);
        let outcome = put(&disk, "new", Mode::Create);
        assert_eq!(outcome.is_ok(), budget == steps, "{:?}", disk.operations());
        let allowed = possible(if outcome.is_ok() { &[Some("new")] } else { &[None, Some("new")] });
        let found = disk.after_power_loss(Path::new(OBJECT));
        assert!(found.is_subset(&allowed), "{found:?} after {:?}", disk.operations());
    }
}

#[test]
fn a_replaced_object_is_the_old_or_the_new_one_whenever_the_power_fails() {
    for budget in 0..20 {
        let disk = Disk::with_budget(usize::MAX);
        put(&disk, "old", Mode::Replace).unwrap();
        disk.0.lock().unwrap().budget = budget;
        let outcome = put(&disk, "new", Mode::Replace);
        let allowed =
            possible(if outcome.is_ok() { &[Some("new")] } else { &[Some("old"), Some("new")] });
        let found = disk.after_power_loss(Path::new(OBJECT));
        assert!(found.is_subset(&allowed), "{found:?} after {:?}", disk.operations());
        assert!(outcome.is_ok() || budget < 19);
    }
}

#[test]
fn what_a_killed_writer_left_unsynced_is_made_durable_before_it_is_called_existing() {
    for budget in 0..=11 {
        // The first writer is killed after so many steps; the machine goes on.
        let disk = Disk::with_budget(budget);
        drop(put(&disk, "first", Mode::Create));
        disk.0.lock().unwrap().budget = usize::MAX;
        let expected = match put(&disk, "second", Mode::Create) {
            Ok(()) => "second",
            Err(error) if error.kind() == ErrorKind::AlreadyExists => "first",
            Err(error) => panic!("{error}"),
        };
        let found = disk.after_power_loss(Path::new(OBJECT));
        assert_eq!(found, possible(&[Some(expected)]), "after {budget} steps");
    }
}
