// Memory for activations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace frugal {

/// Grows, never shrinks; contents are not kept.
class Block {
 public:
  std::byte* reserve(int64_t bytes) {
    if (bytes > size_) {
      size_ = 0;
      std::free(data_);
      data_ = static_cast<std::byte*>(std::aligned_alloc(64, static_cast<size_t>((bytes + 127) / 64 * 64)));
      if (data_ == nullptr) throw std::bad_alloc();
      size_ = bytes;
    }
    return data_;
  }
  std::byte* data() const { return data_; }
  int64_t size() const { return size_; }
  Block() = default;
  Block(Block&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Block& operator=(Block&&) = delete;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { std::free(data_); }

 private:
  std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace frugal
