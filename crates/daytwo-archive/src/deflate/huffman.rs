//! Huffman codes of bounded length, as DEFLATE wants them (RFC 1951, 3.2.2).

/// The longest code of a literal, length or distance.
pub(super) const LONGEST_CODE: usize = 15;

/// A code: its bits, the first one lowest, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) length: u8,
}

/// Codes for symbols that occur as often as `counts` say; none longer than `longest`. At least two symbols get one: some
/// readers refuse a code of a single symbol.
pub(super) fn codes<const N: usize>(counts: &[u32; N], longest: usize) -> [Code; N] {
    let mut used: Vec<(u32, usize)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(symbol, &count)| (count, symbol))
        .collect();
    let unused = counts.iter().enumerate().filter(|(_, count)| **count == 0);
    let lacking = 2_usize.saturating_sub(used.len());
    used.extend(unused.take(lacking).map(|(symbol, _)| (1, symbol)));
    used.sort_unstable();
    let depths = depths(&used);
    let mut of_length = bounded(&depths, longest);
    let mut lengths = [0_u8; N];
    // The rarest symbols get the longest codes.
    let mut length = longest;
    for &(_, symbol) in &used {
        while of_length[length] == 0 {
            length -= 1;
        }
        of_length[length] -= 1;
        lengths[symbol] = u8::try_from(length).unwrap_or(u8::MAX);
    }
    canonical(&lengths)
}

/// The depth of each leaf in the tree of `used`, which is sorted.
fn depths(used: &[(u32, usize)]) -> Vec<usize> {
    let leaves = used.len();
    // Nodes: the leaves, then the inner ones in the order they are made, which is that of their weights.
    let mut weights: Vec<u64> = used.iter().map(|(count, _)| u64::from(*count)).collect();
    let mut parents = vec![0; 2 * leaves];
    let (mut leaf, mut inner) = (0, leaves);
    while weights.len() < 2 * leaves - 1 {
        let parent = weights.len();
        let mut sum = 0;
        for _ in 0..2 {
            let from_leaves = leaf < leaves && (inner == parent || weights[leaf] <= weights[inner]);
            let child = if from_leaves { &mut leaf } else { &mut inner };
            parents[*child] = parent;
            sum += weights[*child];
            *child += 1;
        }
        weights.push(sum);
    }
    let mut depths = vec![0; weights.len()];
    for node in (0..weights.len() - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(leaves);
    depths
}

/// How many codes have each length, none longer than `longest`: codes that would be longer are shortened, and others
/// made longer until all fit.
fn bounded(depths: &[usize], longest: usize) -> [usize; LONGEST_CODE + 1] {
    let mut of_length = [0; LONGEST_CODE + 1];
    for &depth in depths {
        of_length[depth.min(longest)] += 1;
    }
    let mut space: usize = (1..=longest).map(|length| of_length[length] << (longest - length)).sum();
    while space > 1 << longest {
        // One of the longest that can grow gives way to two of the next length, one of which was the longest.
        let Some(length) = (1..longest).rev().find(|length| of_length[*length] > 0) else { break };
        of_length[length] -= 1;
        of_length[longest] -= 1;
        of_length[length + 1] += 2;
        space -= 1;
    }
    of_length
}

/// Codes of these lengths, in the order of symbols within a length.
pub(super) fn canonical<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let mut next = [0_u32; LONGEST_CODE + 2];
    for &length in lengths.iter().filter(|length| **length > 0) {
        next[usize::from(length) + 1] += 1;
    }
    for length in 1..next.len() {
        next[length] = (next[length] + next[length - 1]) << 1;
    }
    std::array::from_fn(|symbol| {
        let length = lengths[symbol];
        if length == 0 {
            return Code::default();
        }
        let code = next[usize::from(length)];
        next[usize::from(length)] += 1;
        let bits = code.reverse_bits() >> (32 - u32::from(length));
        Code { bits: u16::try_from(bits).unwrap_or_default(), length }
    })
}
