//! The second host process of the certification cases that need one: serves the component whose file it is given.

use std::error::Error;
use std::path::Path;

use cofferdam::{Driver, Engine};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("the file of a component is missing")?;
    let driver = Driver::load_file(&Engine::shared()?, Path::new(&file), None)?;
    Ok(cofferdam_certification::worker::serve(&driver).await?)
}
