#!/bin/sh
# Compiles a crate of this workspace with what libFuzzer sees: a counter of each edge and the
# operands of each comparison. LLVM's pass is the one that nightly's `-Z sanitizer` adds; stable
# Rust takes it by its name. Cargo calls this with rustc and its arguments (RUSTC_WORKSPACE_WRAPPER).
exec "$@" -C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares
