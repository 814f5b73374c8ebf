//! A server that is far away: `wire 127.0.0.1:5432 500` prints an address behind which the server is, half a millisecond further
//! away in each direction, until it is ended.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(microseconds)) = (arguments.next(), arguments.next()) else {
        return Err("usage: wire SERVER MICROSECONDS".into());
    };
    println!("{}", bojagi_bench::wire::lay(server.parse()?, Duration::from_micros(microseconds.parse()?))?);
    loop {
        std::thread::park();
    }
}
