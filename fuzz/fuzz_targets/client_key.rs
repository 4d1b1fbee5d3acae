#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mcp_login_fuzz::client_key(input));
