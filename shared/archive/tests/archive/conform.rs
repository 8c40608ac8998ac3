//! The suite on memory, on a directory, and through the fault-injecting wrapper.

use std::sync::Arc;

use archive::Archive;
use archive::conformance::suite;
use archive::faulty::Faulty;
use object_store::memory::InMemory;

use crate::runtime;

#[test]
fn memory_conforms() {
    let runtime = runtime();
    suite(&Archive::open("memory:///", runtime.handle().clone()).unwrap()).unwrap();
}

#[test]
fn a_local_directory_conforms() {
    let (runtime, directory) = (runtime(), tempfile::tempdir().unwrap());
    let location = directory.path().to_str().unwrap();
    suite(&Archive::open(location, runtime.handle().clone()).unwrap()).unwrap();
}

#[test]
fn a_faulty_store_without_faults_conforms() {
    let runtime = runtime();
    let faulty = Faulty::new(Arc::new(InMemory::new()));
    suite(&Archive::over(Arc::new(faulty), runtime.handle().clone())).unwrap();
}
