//! What the figures were taken on.

use std::fs;
use std::thread;

use serde_json::{Value, json};

/// Processor, cores, memory and kernel, as far as the kernel says.
pub fn describe() -> Value {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": thread::available_parallelism().map(usize::from).ok(),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": kernel.map(|kernel| kernel.trim().to_owned()),
    })
}

/// The same in a line.
pub fn line(machine: &Value) -> String {
    let text = |name: &str| machine[name].as_str().unwrap_or("?").to_owned();
    let (processor, memory, kernel) = (text("processor"), text("memory"), text("kernel"));
    format!("{} cores of {processor}, {memory} of memory, Linux {kernel}", machine["cores"])
}
