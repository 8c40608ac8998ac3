//! Avro object containers that `driftseal check` reads.

pub(crate) fn run(data: &[u8]) -> bool {
    driftseal::check::avro_container(data).is_some_and(|events| events > 0)
}
