// Large arrays of zeroes: reserved address space that becomes resident as it is touched, on huge pages where the system
// gives them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace spanbeat {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

// An array of `count` zeroed elements. Throws std::bad_alloc when the address space is refused. Free with unreserve().
template <typename Element>
[[nodiscard]] Element* reserve(std::size_t count, bool huge = true) {
  void* memory = mmap(nullptr, count * sizeof(Element), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  if (huge) (void)madvise(memory, count * sizeof(Element), MADV_HUGEPAGE);
  return static_cast<Element*>(memory);
}

// Makes all of an array resident now, near the thread that asks. Without memory for it, or where the kernel cannot
// (before Linux 5.14), that happens as it is touched.
template <typename Element>
void populate(Element* array, std::size_t count) {
  (void)madvise(array, count * sizeof(Element), MADV_POPULATE_WRITE);
}

// What an array may come to use: whole huge pages.
template <typename Element>
[[nodiscard]] constexpr std::size_t reserved(std::size_t count) {
  return (count * sizeof(Element) + kHugePage - 1) / kHugePage * kHugePage;
}

template <typename Element>
void unreserve(Element* array, std::size_t count) {
  if (array != nullptr) munmap(array, count * sizeof(Element));
}

}  // namespace spanbeat
