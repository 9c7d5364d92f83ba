// The core alone, Verilated, its streams on standard input and output: for tests that count cycles or let streams pause.
//
// Requests, numbers little-endian:
//   'P' n:u32 words:u32[n]     program words, queued
//   'F' n:u32 beats:u64[n]     beats of a frame, queued
//   'S' seed:u32 permille:u32  from now on every stream pauses that often, at random
//   'R' n:u32                  runs until n results came        -> ok:u8 cycles:u64 results:u32[n]
//   'D' n:u32                  runs until n read-back words came -> ok:u8 cycles:u64 words:u32[n]
// `cycles` counts from the first beat of a frame that is taken to the last result; ok is 0 where nothing moved for too long.

#include "Vernscope_core.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <vector>

namespace {

// A frame of the largest network takes a million cycles.
constexpr std::uint64_t kPatience = 20'000'000;

class Board {
public:
    Board() : core_(new Vernscope_core) {
        core_->rst = 1;
        for (int i = 0; i < 4; ++i) cycle();
        core_->rst = 0;
    }

    void queueProgram(std::uint32_t word) { program_.push_back(word); }
    void queueBeat(std::uint64_t beat) { frame_.push_back(beat); }

    void stall(std::uint32_t seed, std::uint32_t permille) {
        random_ = seed | 1u;
        permille_ = permille;
    }

    // Runs until `count` words stand in `from`.
    bool runUntil(std::deque<std::uint32_t>& from, std::size_t count) {
        std::uint64_t still = 0;
        while (from.size() < count) {
            still = cycle() ? 0 : still + 1;
            if (still > kPatience) return false;
        }
        return true;
    }

    std::deque<std::uint32_t>& results() { return results_; }
    std::deque<std::uint32_t>& readBack() { return read_; }
    std::uint64_t frameCycles() const { return lastResult_ - firstBeat_ + 1; }

private:
    bool pauses() {
        if (permille_ == 0) return false;
        random_ = random_ * 1664525u + 1013904223u;
        return (random_ >> 16) % 1000 < permille_;
    }

    // One clock cycle; true where a stream moved.
    bool cycle() {
        bool moved = false;
        core_->program_valid = !program_.empty() && !pauses();
        core_->program_data = program_.empty() ? 0 : program_.front();
        core_->frame_valid = !frame_.empty() && !pauses();
        core_->frame_data = frame_.empty() ? 0 : frame_.front();
        core_->result_ready = !pauses();
        core_->read_ready = !pauses();
        core_->clk = 0;
        core_->eval();
        if (core_->program_valid && core_->program_ready) {
            program_.pop_front();
            moved = true;
        }
        if (core_->frame_valid && core_->frame_ready) {
            if (betweenFrames_) firstBeat_ = now_;
            betweenFrames_ = false;
            frame_.pop_front();
            moved = true;
        }
        if (core_->result_valid && core_->result_ready) {
            results_.push_back(core_->result_data);
            lastResult_ = now_;
            betweenFrames_ = true;
            moved = true;
        }
        if (core_->read_valid && core_->read_ready) {
            read_.push_back(core_->read_data);
            // A frame that was stopped early is over when something of it is read back.
            betweenFrames_ = true;
            moved = true;
        }
        core_->clk = 1;
        core_->eval();
        ++now_;
        return moved;
    }

    std::unique_ptr<Vernscope_core> core_;
    std::deque<std::uint32_t> program_, results_, read_;
    std::deque<std::uint64_t> frame_;
    std::uint32_t random_ = 1, permille_ = 0;
    std::uint64_t now_ = 0, firstBeat_ = 0, lastResult_ = 0;
    bool betweenFrames_ = true;
};

template <typename T>
bool take(T& value) {
    return std::fread(&value, sizeof value, 1, stdin) == 1;
}

template <typename T>
void give(T value) {
    std::fwrite(&value, sizeof value, 1, stdout);
}

void reply(Board& board, std::deque<std::uint32_t>& from, std::uint32_t count) {
    const bool ok = board.runUntil(from, count);
    give<std::uint8_t>(ok);
    give<std::uint64_t>(board.frameCycles());
    for (std::uint32_t i = 0; i < count; ++i) {
        std::uint32_t word = 0;
        if (!from.empty()) {
            word = from.front();
            from.pop_front();
        }
        give(word);
    }
    std::fflush(stdout);
}

// One request; false at the end of input or where it is none.
bool serve(Board& board) {
    std::uint8_t request = 0;
    std::uint32_t count = 0;
    if (!take(request) || !take(count)) return false;
    switch (request) {
    case 'P':
        for (std::uint32_t i = 0, word = 0; i < count; ++i) {
            if (!take(word)) return false;
            board.queueProgram(word);
        }
        return true;
    case 'F':
        for (std::uint32_t i = 0; i < count; ++i) {
            std::uint64_t beat = 0;
            if (!take(beat)) return false;
            board.queueBeat(beat);
        }
        return true;
    case 'S': {
        std::uint32_t permille = 0;
        if (!take(permille)) return false;
        board.stall(count, permille);
        return true;
    }
    case 'R': reply(board, board.results(), count); return true;
    case 'D': reply(board, board.readBack(), count); return true;
    default: return false;
    }
}

}  // namespace

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    Board board;
    while (serve(board)) {
    }
    return 0;
}
