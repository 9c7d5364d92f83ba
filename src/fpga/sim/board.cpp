// The simulated board: the Verilated accelerator behind its packets, whose bytes are those of the terminal (terminal.h).

#include "Vernscope_stream.h"
#include "terminal.h"

#include <memory>

namespace {

class Board {
public:
    explicit Board(const Options&) : design_(new Vernscope_stream) { reset(); }

    void reset() {
        incoming_.clear();
        outgoing_.clear();
        design_->rst = 1;
        for (int i = 0; i < 4; ++i) cycle();
        design_->rst = 0;
        idle_ = 0;
    }

    bool busy() const { return idle_ < kIdleCycles; }

    void run() {
        for (int i = 0; i < kBatch && busy(); ++i) cycle();
    }

    void receive(const std::uint8_t* bytes, std::size_t count) {
        incoming_.insert(incoming_.end(), bytes, bytes + count);
        if (count != 0) idle_ = 0;
    }

    std::deque<std::uint8_t>& outgoing() { return outgoing_; }
    bool wantsBytes() const { return incoming_.size() < kBatch; }

private:
    void cycle() {
        design_->in_valid = !incoming_.empty();
        design_->in_data = incoming_.empty() ? 0 : incoming_.front();
        design_->out_ready = outgoing_.size() < kOutgoing;
        design_->clk = 0;
        design_->eval();
        if (design_->in_valid) incoming_.pop_front();
        const bool gives = design_->out_valid;
        if (gives && design_->out_ready) outgoing_.push_back(design_->out_data);
        const bool moves = design_->in_valid || design_->busy || gives;
        design_->clk = 1;
        design_->eval();
        idle_ = moves ? 0 : idle_ + 1;
    }

    std::unique_ptr<Vernscope_stream> design_;
    std::deque<std::uint8_t> incoming_, outgoing_;
    int idle_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    return serveOnTerminal<Board>(argc, argv);
}
