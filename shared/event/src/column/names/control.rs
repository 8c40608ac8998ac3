//! A control test and its result, an exception from a control, a mapping of controls.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Map, Text, Texts, Time, TypedColumn, column};

/// What the test can show of the control: direct, partial, context, not_covered.
pub const CLAIM: TypedColumn<Text> = column("control.claim");
/// What is done instead.
pub const COMPENSATING: TypedColumn<Text> = column("control.compensating");
/// Control, for example A.8.32.
pub const CONTROL_ID: TypedColumn<Text> = column("control.control_id");
/// Why a test errored or an exception was accepted.
pub const DETAIL: TypedColumn<Text> = column("control.detail");
/// How long the test ran.
pub const DURATION_MS: TypedColumn<Float> = column("control.duration_ms");
/// Identifier of an exception.
pub const EXCEPTION_ID: TypedColumn<Text> = column("control.exception_id");
/// Identifiers of the first exceptions.
pub const EXCEPTION_IDS: TypedColumn<Texts> = column("control.exception_ids");
/// Items that are exceptions.
pub const EXCEPTIONS: TypedColumn<Int> = column("control.exceptions");
/// When the exception ends.
pub const EXPIRES_AT: TypedColumn<Time> = column("control.expires_at");
/// Framework, for example iso27001-2022.
pub const FRAMEWORK: TypedColumn<Text> = column("control.framework");
/// Root of the log the test read, hexadecimal.
pub const LOG_ROOT: TypedColumn<Text> = column("control.log_root");
/// Size of the transparency log the test read.
pub const LOG_SIZE: TypedColumn<Int> = column("control.log_size");
/// SHA-256 of the mapping, hexadecimal.
pub const MAPPING_DIGEST: TypedColumn<Text> = column("control.mapping_digest");
/// Who owns the exception.
pub const OWNER: TypedColumn<Text> = column("control.owner");
/// Parameters of the test.
pub const PARAMETERS: TypedColumn<Map> = column("control.parameters");
/// End of the period tested, exclusive.
pub const PERIOD_END: TypedColumn<Time> = column("control.period_end");
/// Start of the period tested, inclusive.
pub const PERIOD_START: TypedColumn<Time> = column("control.period_start");
/// Items in the population.
pub const POPULATION: TypedColumn<Int> = column("control.population");
/// Merkle root of the population, hexadecimal.
pub const POPULATION_ROOT: TypedColumn<Text> = column("control.population_root");
/// Result: passed, failed, no_population, errored.
pub const RESULT: TypedColumn<Text> = column("control.result");
/// SHA-256 of the test's SQL, hexadecimal.
pub const TEST_DIGEST: TypedColumn<Text> = column("control.test_digest");
/// Test.
pub const TEST_ID: TypedColumn<Text> = column("control.test_id");
