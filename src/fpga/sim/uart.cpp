// The accelerator on its serial line, Verilated, bit by bit: the bytes of the terminal (terminal.h) come and go as a host's UART sends
// and reads them, whose clock is not the board's, and whose edges come a little early or late.

#include "Vernscope_uart.h"
#include "terminal.h"

#include <memory>
#include <random>

namespace {

// Cycles of the board's clock that a bit takes: ernscope_uart's CLOCK_KHZ and BAUD.
constexpr double kDivider = 20;
// A start bit, eight bits, a stop bit.
constexpr int kBits = 10;

// The host's clock, in cycles of the board's.
class HostClock {
public:
    explicit HostClock(const Options& options) : bit_(kDivider / (1 + options.offset / 1e3)), jitter_(options.jitter / 1e3) {}

    // So many bits, half ones too, behind `start`.
    double after(double start, double bits) { return start + bit_ * (bits + jitter_ * wobble_(random_)); }
    double bit() const { return bit_; }

private:
    double bit_, jitter_;
    std::minstd_rand random_{1};
    std::uniform_real_distribution<double> wobble_{-1, 1};
};

// What the host sends: bytes, back to back.
class HostTransmitter {
public:
    // The level of the line in cycle `now`.
    bool level(double now, HostClock& clock, std::deque<std::uint8_t>& bytes) {
        if (!sending_ && !bytes.empty()) {
            sending_ = true;
            frame_ = 1u << (kBits - 1) | bytes.front() << 1;
            bytes.pop_front();
            // Back to back, where the next byte is there in time.
            begun_ = now - free_from_ < 1 ? free_from_ : now;
            number_ = 0;
            edge_ = begun_;
        }
        while (sending_ && now >= edge_) {
            if (number_ == kBits) {
                sending_ = false;
                free_from_ = begun_ + kBits * clock.bit();
                break;
            }
            level_ = frame_ >> number_ & 1;
            ++number_;
            edge_ = number_ == kBits ? begun_ + kBits * clock.bit() : clock.after(begun_, number_);
        }
        return level_;
    }

    bool sending() const { return sending_; }

private:
    bool sending_ = false, level_ = true;
    unsigned frame_ = 0;
    int number_ = 0;
    double begun_ = 0, edge_ = 0, free_from_ = 0;
};

// What the host reads: a bit in its middle, counted from the edge that a byte begins with.
class HostReceiver {
public:
    void sample(double now, bool level, HostClock& clock, std::deque<std::uint8_t>& bytes) {
        if (number_ < 0) {
            if (level) return;
            begun_ = now;
            number_ = 0;
            middle_ = clock.after(begun_, 0.5);
        }
        if (now < middle_) return;
        if (number_ == 0 && level) {
            number_ = -1;
        } else if (number_ == kBits - 1) {
            if (level) bytes.push_back(byte_);
            number_ = -1;
        } else {
            if (number_ > 0) byte_ = static_cast<std::uint8_t>(byte_ >> 1 | level << 7);
            ++number_;
            middle_ = clock.after(begun_, number_ + 0.5);
        }
    }

    bool receiving() const { return number_ >= 0; }

private:
    int number_ = -1;
    std::uint8_t byte_ = 0;
    double begun_ = 0, middle_ = 0;
};

class LineBoard : public Board {
public:
    static constexpr bool kBitByBit = true;

    explicit LineBoard(const Options& options) : clock_(options), design_(new Vernscope_uart) {}

private:
    void setReset(bool level) override {
        transmitter_ = {};
        receiver_ = {};
        design_->rst = level;
    }

    bool cycle() override {
        const double now = cycles_++;
        design_->rx = transmitter_.level(now, clock_, incoming_);
        design_->clk = 0;
        design_->eval();
        design_->clk = 1;
        design_->eval();
        receiver_.sample(now, design_->tx, clock_, outgoing_);
        return transmitter_.sending() || receiver_.receiving() || design_->busy;
    }

    HostClock clock_;
    HostTransmitter transmitter_;
    HostReceiver receiver_;
    std::unique_ptr<Vernscope_uart> design_;
    std::uint64_t cycles_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    return serveOnTerminal<LineBoard>(argc, argv);
}
