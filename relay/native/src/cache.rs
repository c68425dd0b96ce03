//! The memory in which sent packets are kept for retransmission: blocks of one size, and one budget for everybody.
//!
//! All media threads share it. A block belongs to who took it, and counts until it is given back.

use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a block: seven full packets. What a picture of 1 Mbit/s leaves behind takes a dozen of them, of which one is
/// half empty.
pub const BLOCK: usize = 8 * 1024;

/// Blocks that wait for the next who takes one, 512 KiB, and one more for each so many in use: a crowd's pictures grow and
/// shrink by less from one moment to the next.
const SPARE: u64 = 64;
const USED_PER_SPARE: u64 = 8;

/// Blocks that are mapped at once. One mapping for each would be more than the system allows (`vm.max_map_count`, 65,530)
/// when half of 20,000 people leave: blocks that are unmapped one by one leave holes, and each hole parts a mapping.
const MAPPED: usize = 64;

/// Memory straight from the system. The allocator would keep what is freed: what a crowd leaves lies between what stays.
/// Its place is mapped until the process ends, with memory behind it or without. What a block holds is its owner's
/// business.
#[derive(Debug)]
pub struct Block(NonNull<[u8; BLOCK]>);

// SAFETY: nobody else has a pointer to the block's memory, whichever thread has the block.
unsafe impl Send for Block {}
// SAFETY: through a shared block its memory is only read.
unsafe impl Sync for Block {}

impl Block {
    /// Several, each `size` bytes from the next; none if the system has no more.
    fn map(size: usize) -> impl Iterator<Item = Self> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let length = MAPPED * size;
        // SAFETY: a new mapping at a place that the system chooses touches nobody's memory.
        let start = unsafe { libc::mmap(null_mut(), length, access, kind, -1, 0) };
        let is_mapped = start != libc::MAP_FAILED;
        #[cfg(target_os = "linux")]
        if is_mapped {
            // Or who writes to one block might be given two megabytes. What has no huge pages refuses, and is right.
            // SAFETY: it is the mapping that was just made, and its contents stay.
            unsafe { libc::madvise(start, length, libc::MADV_NOHUGEPAGE) };
        }
        let start = start.cast::<u8>();
        // SAFETY: each place lies within the mapping.
        let place = move |at: usize| unsafe { start.add(at * size) };
        (0..if is_mapped { MAPPED } else { 0 }).filter_map(move |at| NonNull::new(place(at).cast()).map(Self))
    }

    /// Give its memory back to the system; its place stays.
    fn forget(&mut self) {
        // SAFETY: so many bytes are mapped here by `map`, and nobody else reads or writes them.
        unsafe { libc::madvise(self.0.as_ptr().cast(), BLOCK, libc::MADV_DONTNEED) };
    }
}

impl Deref for Block {
    type Target = [u8; BLOCK];

    fn deref(&self) -> &Self::Target {
        // SAFETY: so many bytes are mapped, zeros at first, until the process ends.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut Self::Target {
        // SAFETY: as for `deref`; who has the block alone has its memory alone.
        unsafe { self.0.as_mut() }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Cache {
    /// Blocks that there may be.
    most: u64,
    /// Bytes that each of them takes: a page, where pages are larger than blocks.
    size: u64,
    /// Blocks that somebody has. Any thread changes it, so it is added to at once and not loaded and stored.
    used: AtomicU64,
    refused: AtomicU64,
    free: Mutex<Free>,
}

/// Blocks that nobody has.
#[derive(Debug, Default)]
struct Free {
    /// With their memory, for the next who takes one.
    spare: Vec<Block>,
    /// Places alone.
    bare: Vec<Block>,
}

impl Default for Cache {
    /// Without a limit.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl Cache {
    /// One of so many bytes at most.
    pub fn new(most: u64) -> Self {
        // SAFETY: a question without side effects.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let size = (BLOCK as u64).max(page.try_into().unwrap_or_default());
        let (used, refused) = Default::default();
        Self { most: most / size, size, used, refused, free: Mutex::default() }
    }

    /// A block, unless all are in use: that is counted.
    pub fn take(&self) -> Option<Block> {
        // Two threads that come for the last one at once may both go without. Neither gets one too many.
        let within = self.used.fetch_add(1, Relaxed) < self.most;
        let block = if within { self.find() } else { None };
        if block.is_none() {
            self.used.fetch_sub(1, Relaxed);
            self.refused.fetch_add(1, Relaxed);
        }
        block
    }

    fn find(&self) -> Option<Block> {
        let mut free = self.free.lock().ok()?;
        if free.spare.is_empty() && free.bare.is_empty() {
            free.bare.extend(Block::map(self.size as usize));
        }
        free.spare.pop().or_else(|| free.bare.pop())
    }

    /// It is not needed any more.
    pub fn give_back(&self, block: Block) {
        let most = SPARE + (self.used.fetch_sub(1, Relaxed) - 1) / USED_PER_SPARE;
        let mut superfluous = [Some(block), None];
        if let Ok(mut free) = self.free.lock() {
            if (free.spare.len() as u64) < most {
                free.spare.extend(superfluous[0].take());
            } else if free.spare.len() as u64 > most {
                superfluous[1] = free.spare.pop();
            }
        }
        if superfluous[0].is_some() {
            // Without the lock: this one, and one more as long as there are too many.
            superfluous.iter_mut().flatten().for_each(Block::forget);
            if let Ok(mut free) = self.free.lock() {
                free.bare.extend(superfluous.into_iter().flatten());
            }
        }
    }

    /// Bytes of the blocks that somebody has.
    pub fn bytes(&self) -> u64 {
        self.used.load(Relaxed) * self.size
    }

    /// How often somebody got no block.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::thread;

    use super::*;

    #[test]
    fn no_block_is_given_when_all_are_in_use_and_that_is_counted() {
        let cache = Cache::new(3 * BLOCK as u64 + 1);
        let mut taken: Vec<Block> = std::iter::from_fn(|| cache.take()).collect();
        assert_eq!((taken.len(), cache.bytes(), cache.refused()), (3, 3 * BLOCK as u64, 1));
        cache.give_back(taken.pop().unwrap());
        assert_eq!(cache.bytes(), 2 * BLOCK as u64);
        assert!(cache.take().is_some());
        assert_eq!(cache.refused(), 1);
    }

    #[test]
    fn the_memory_that_a_crowd_gives_back_is_freed_but_for_a_few_blocks() {
        let cache = Cache::default();
        let mut taken: Vec<Block> = (0..20 * SPARE).filter_map(|_| cache.take()).collect();
        taken.iter_mut().for_each(|block| block.fill(1));
        taken.into_iter().for_each(|block| cache.give_back(block));
        assert_eq!((cache.bytes(), cache.free.lock().unwrap().spare.len() as u64), (0, SPARE));
        let again: Vec<Block> = (0..20 * SPARE).filter_map(|_| cache.take()).collect();
        assert_eq!(again.iter().filter(|block| block[BLOCK / 2] == 1).count() as u64, SPARE, "the rest is new");
        assert_eq!(cache.free.lock().unwrap().bare.len(), 0, "and at the places of before");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn half_of_ten_thousand_people_who_leave_tear_no_holes_into_mappings() {
        let mappings = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
        let (cache, before) = (Cache::default(), mappings());
        let mut taken: Vec<Option<Block>> = (0..140_000).map(|_| cache.take()).collect();
        assert!(taken.iter().all(Option::is_some));
        taken.iter_mut().step_by(2).filter_map(Option::take).for_each(|block| cache.give_back(block));
        assert!(mappings() < before + 3_000, "{} were {before}", mappings());
    }

    #[test]
    fn a_block_is_memory_that_can_be_written_and_read_to_its_ends() {
        let cache = Cache::default();
        let (mut one, mut other) = (cache.take().unwrap(), cache.take().unwrap());
        one.fill(1);
        other.fill(2);
        assert!(one.iter().all(|byte| *byte == 1) && other.iter().all(|byte| *byte == 2));
    }

    #[test]
    fn threads_together_have_no_more_than_one_might() {
        const MOST: usize = 5;
        let cache = Cache::new((MOST * BLOCK) as u64);
        let (held, highest) = (AtomicU64::default(), AtomicU64::default());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        if let Some(block) = cache.take() {
                            highest.fetch_max(held.fetch_add(1, Relaxed) + 1, Relaxed);
                            let second = cache.take();
                            held.fetch_sub(1, Relaxed);
                            cache.give_back(block);
                            second.into_iter().for_each(|block| cache.give_back(block));
                        }
                    }
                });
            }
        });
        assert!((1..=MOST as u64).contains(&highest.into_inner()));
        assert_eq!((cache.bytes(), std::iter::from_fn(|| cache.take()).count()), (0, MOST));
    }
}
