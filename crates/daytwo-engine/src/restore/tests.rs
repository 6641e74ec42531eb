//! Tests on a real control plane are in tests/; these need none.
