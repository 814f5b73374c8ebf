#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bojagi_gateway::fuzzing::requests(data));
