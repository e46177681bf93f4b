#include "interop/pickle.h"

#include <bit>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

// A ResNet-152 with its optimizer's state takes 150,000. Each may take a hundred bytes of memory.
constexpr int64_t max_opcodes = 2'000'000;
constexpr PickleRef absent = std::numeric_limits<PickleRef>::max();

class Machine {
 public:
  Machine(std::span<const uint8_t> bytes, const std::string& file, PickleObjects& objects)
      : bytes_(bytes), file_(file), objects_(objects), pickle_(bytes) {}

  Pickle run() {
    if (bytes_.size() < 2 || bytes_[0] != 0x80) fail("does not begin as one of protocol 2 to 5 does");
    for (int64_t count = 1;; ++count) {
      if (count > max_opcodes)
        fail("has more than " + with_thousands(max_opcodes) + " opcodes; save the state_dict alone");
      const uint8_t opcode = byte();
      if (opcode == '.') break;
      if (!literal(opcode) && !memo(opcode) && !container(opcode) && !object(opcode)) refuse(opcode);
    }
    pickle_.finish(pop(), at_);
    if (!stack_.empty() || !marks_.empty()) fail("ends with values left over");
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(file_ + ": its pickle " + why + " (byte " + std::to_string(at_) +
                "); the file is damaged or was not made by torch.save");
  }
  [[noreturn]] void refuse(uint8_t opcode) const {
    throw Error(file_ + ": refused: its pickle uses opcode " + std::to_string(opcode) + " at byte " +
                std::to_string(at_ - 1) +
                ", which tensors do not need; in Python, torch.save the state_dict alone (protocol 2)");
  }

  std::span<const uint8_t> take(uint64_t count) {
    if (count > bytes_.size() - at_) {
      fail("claims " + std::to_string(count) + " bytes where " + std::to_string(bytes_.size() - at_) +
           " are left");
    }
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  uint8_t byte() { return take(1)[0]; }
  uint64_t little_endian(size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; const uint8_t part : take(count)) value |= uint64_t{part} << (8 * i++);
    return value;
  }

  void push(PickleRef value) { stack_.push_back(value); }
  void push(const PickleValue& value) { push(pickle_.add(value)); }
  void push_integer(int64_t value) { push({PickleKind::integer, 0, value}); }

  size_t bottom() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleRef pop() {
    const PickleRef value = top();
    stack_.pop_back();
    return value;
  }
  PickleRef top() const {
    if (stack_.size() <= bottom()) fail("takes a value from an empty stack");
    return stack_.back();
  }
  /// What was pushed since the last mark.
  std::vector<PickleRef> pop_mark() {
    if (marks_.empty()) fail("goes back to a mark that it did not set");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleRef> values(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return values;
  }

  void push_slice(PickleKind kind, uint64_t length) {
    const auto place = static_cast<int64_t>(at_);
    take(length);
    push({kind, static_cast<uint32_t>(length), place});
  }

  void push_long(uint64_t length) {
    if (length > 8) return push_slice(PickleKind::large_integer, length);
    if (length == 0) return push_integer(0);
    const uint64_t bits = little_endian(length);
    const auto unused = static_cast<int>(64 - 8 * length);
    push_integer(static_cast<int64_t>(bits << unused) >> unused);  // spreads the sign
  }

  void push_real() {  // the one number that is big-endian
    uint64_t bits = 0;
    for (const uint8_t part : take(8)) bits = bits << 8 | part;
    push({PickleKind::real, 0, std::bit_cast<int64_t>(bits)});
  }

  void protocol() {
    const uint8_t version = byte();
    if (version < 2 || version > 5) {
      throw Error(file_ + ": its pickle is of protocol " + std::to_string(version) +
                  ", 2 to 5 are read; in Python: torch.save(..., pickle_protocol=2)");
    }
  }

  bool literal(uint8_t opcode) {
    switch (opcode) {
      case 0x80:
        protocol();
        return true;
      case 0x95:  // FRAME: a hint for reading ahead
        if (little_endian(8) > bytes_.size() - at_) fail("claims a frame that is longer than the rest");
        return true;
      case 'N':
        push({PickleKind::none, 0, 0});
        return true;
      case 0x88:
      case 0x89:
        push({PickleKind::boolean, 0, opcode == 0x88});
        return true;
      case 'J':
        push_integer(static_cast<int32_t>(little_endian(4)));
        return true;
      case 'K':
        push_integer(byte());
        return true;
      case 'M':
        push_integer(static_cast<int64_t>(little_endian(2)));
        return true;
      case 0x8a:
        push_long(byte());
        return true;
      case 0x8b:
        push_long(little_endian(4));
        return true;
      case 'G':
        push_real();
        return true;
      case 'X':
      case 'T':
        push_slice(PickleKind::text, little_endian(4));
        return true;
      case 0x8c:
      case 'U':
        push_slice(PickleKind::text, byte());
        return true;
      case 0x8d:
        push_slice(PickleKind::text, little_endian(8));
        return true;
      case 'B':
        push_slice(PickleKind::bytes, little_endian(4));
        return true;
      case 'C':
        push_slice(PickleKind::bytes, byte());
        return true;
      case 0x8e:
      case 0x96:
        push_slice(PickleKind::bytes, little_endian(8));
        return true;
      default:
        return false;
    }
  }

  /// Pickles number what they remember from zero on, so that a number beyond their length is a lie.
  void remember(uint64_t place) {
    if (place > bytes_.size()) fail("remembers a value as number " + std::to_string(place));
    if (place >= memo_.size()) memo_.resize(place + 1, absent);
    memo_[place] = top();
  }
  void recall(uint64_t place) {
    if (place >= memo_.size() || memo_[place] == absent) fail("recalls a value that it did not remember");
    push(memo_[place]);
  }

  bool memo(uint8_t opcode) {
    switch (opcode) {
      case 'q':
        remember(byte());
        return true;
      case 'r':
        remember(little_endian(4));
        return true;
      case 0x94:
        remember(memo_.size());
        return true;
      case 'h':
        recall(byte());
        return true;
      case 'j':
        recall(little_endian(4));
        return true;
      default:
        return false;
    }
  }

  void push_tuple(size_t count) {
    std::vector<PickleRef> items(count);
    while (count > 0) items[--count] = pop();
    push(pickle_.add_items(PickleKind::tuple, std::move(items)));
  }

  void extend(PickleKind kind, const std::vector<PickleRef>& more) {
    if (pickle_.kind(top()) != kind) fail("puts items into what is no container of their kind");
    if (kind == PickleKind::dict && more.size() % 2 != 0) fail("has a key without a value");
    std::vector<PickleRef>& items = pickle_.items_of(top());
    items.insert(items.end(), more.begin(), more.end());
  }

  bool container(uint8_t opcode) {
    switch (opcode) {
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case '0':
        pop();
        return true;
      case '1':
        pop_mark();
        return true;
      case ')':
        push_tuple(0);
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(opcode - size_t{0x84});
        return true;
      case 't':
        push(pickle_.add_items(PickleKind::tuple, pop_mark()));
        return true;
      case 0x91:  // FROZENSET
        push(pickle_.add_items(PickleKind::list, pop_mark()));
        return true;
      case ']':
      case 0x8f:  // EMPTY_SET
        push(pickle_.add_items(PickleKind::list, {}));
        return true;
      case '}':
        push(pickle_.add_items(PickleKind::dict, {}));
        return true;
      case 'a':
        extend(PickleKind::list, {pop()});
        return true;
      case 'e':
      case 0x90:  // ADDITEMS
        extend(PickleKind::list, pop_mark());
        return true;
      case 's': {
        const PickleRef value = pop(), key = pop();
        extend(PickleKind::dict, {key, value});
        return true;
      }
      case 'u':
        extend(PickleKind::dict, pop_mark());
        return true;
      default:
        return false;
    }
  }

  std::string_view line() {
    const size_t from = at_;
    while (byte() != '\n') {
    }
    return {reinterpret_cast<const char*>(bytes_.data()) + from, at_ - 1 - from};
  }

  bool object(uint8_t opcode) {
    switch (opcode) {
      case 'c': {
        const std::string_view module = line(), name = line();
        push(objects_.global(module, name));
        return true;
      }
      case 0x93: {  // STACK_GLOBAL
        const PickleRef name = pop(), module = pop();
        if (pickle_.kind(name) != PickleKind::text || pickle_.kind(module) != PickleKind::text)
          fail("names a class by what is no text");
        push(objects_.global(pickle_.text(module), pickle_.text(name)));
        return true;
      }
      case 'R':
      case 0x81: {  // NEWOBJ, which calls as well
        const PickleRef arguments = pop(), callable = pop();
        if (pickle_.kind(callable) != PickleKind::global || pickle_.kind(arguments) != PickleKind::tuple)
          fail("calls what cannot be called");
        push(objects_.call(pickle_, callable, arguments));
        return true;
      }
      case 'b': {  // BUILD: what torch hangs onto a state_dict is of versions, and onto an old parameter of
                   // gradients
        pop();
        const PickleValue& object = pickle_[top()];
        const bool old_parameter = object.kind == PickleKind::tensor && object.length == 1;
        if (object.kind != PickleKind::dict && !old_parameter) refuse(opcode);
        return true;
      }
      case 'Q': {
        const PickleRef id = pop();
        push(objects_.persistent(pickle_, id));
        return true;
      }
      default:
        return false;
    }
  }

  std::span<const uint8_t> bytes_;
  const std::string& file_;
  PickleObjects& objects_;
  Pickle pickle_;
  size_t at_ = 0;
  std::vector<PickleRef> stack_, memo_;
  std::vector<size_t> marks_;
};

}  // namespace

Pickle read_pickle(std::span<const uint8_t> bytes, const std::string& file, PickleObjects& objects) {
  return Machine(bytes, file, objects).run();
}

}  // namespace frugal
