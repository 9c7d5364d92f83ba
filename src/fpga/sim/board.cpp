// The simulated board: the Verilated accelerator behind its packets, whose bytes are those of the terminal (terminal.h).

#include "Vernscope_stream.h"
#include "terminal.h"

#include <memory>

namespace {

class StreamBoard : public Board {
public:
    static constexpr bool kBitByBit = false;

    explicit StreamBoard(const Options&) : design_(new Vernscope_stream) {}

private:
    void setReset(bool level) override { design_->rst = level; }

    bool cycle() override {
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
        return moves;
    }

    std::unique_ptr<Vernscope_stream> design_;
};

}  // namespace

int main(int argc, char** argv) {
    return serveOnTerminal<StreamBoard>(argc, argv);
}
