//! `cargo xtask <command>`: the builds that plain cargo and pnpm cannot express.

fn main() {}
