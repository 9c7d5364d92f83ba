// The accelerator on its bus, Verilated, with what a processor would do at the other end, on standard input and output
// (requests.h). Address and data of a write come in either order, every handshake may pause; whether the bus refused a write is
// read from STATUS, some accesses are made only to be refused, and what was refused is tried again.

#include "Vernscope_axi.h"
#include "requests.h"
#include "verilated.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

namespace {

constexpr std::uint32_t kMagic = 0x4552'4e31;
constexpr std::uint8_t kCommand = 0, kAnswer = 4, kStatus = 8, kIdentity = 12;
constexpr std::uint32_t kTakesWord = 1, kHasAnswer = 2, kRefused = 64;

// A handshake that stands once it is offered, as the bus wants it.
struct Offer {
    bool stands = false;

    // Whether it stands in this cycle: offered where wanted, unless it pauses.
    bool offer(bool wanted, bool pauses) {
        stands = stands || (wanted && !pauses);
        return stands;
    }
};

class Axi : public Streams {
public:
    Axi() : axi_(new Vernscope_axi) {
        axi_->aresetn = 0;
        for (int i = 0; i < 4; ++i) tick();
        axi_->aresetn = 1;
    }

    void final() { axi_->final(); }

private:
    void tick() {
        axi_->aclk = 0;
        axi_->eval();
        axi_->aclk = 1;
        axi_->eval();
    }

    [[noreturn]] static void wrong(const char* what) {
        std::fprintf(stderr, "bus: %s\n", what);
        std::exit(3);
    }

    bool cycle() override {
        offerWrite();
        offerRead();
        axi_->s_axis_frame_tvalid = beat_.offer(!frame_.empty(), pauses());
        axi_->s_axis_frame_tdata = frame_.empty() ? 0 : frame_.front();
        axi_->s_axis_weight_tvalid = weight_.offer(weightsOffered(), pauses());
        if (axi_->s_axis_weight_tvalid) std::copy_n(weightBeat(), 4, &axi_->s_axis_weight_tdata[0]);
        axi_->s_axis_weight_tlast = axi_->s_axis_weight_tvalid && weightsLast();
        axi_->m_axis_result_tready = !pauses();
        axi_->aclk = 0;
        axi_->eval();
        const bool moved = settle();
        axi_->aclk = 1;
        axi_->eval();
        return moved;
    }

    // A write: the next word, now and then in half or where nothing can be written, which must be refused.
    void offerWrite() {
        if (!writing_ && !program_.empty() && takesWord_ && reads_ > kFirst.size()) {
            writing_ = true;
            ++writes_;
            half_ = writes_ % 97 == 5;
            elsewhere_ = writes_ % 89 == 7;
        }
        axi_->s_axil_awvalid = address_.offer(writing_ && !addressTaken_, pauses());
        axi_->s_axil_wvalid = data_.offer(writing_ && !dataTaken_, pauses());
        axi_->s_axil_awaddr = elsewhere_ ? kStatus : kCommand;
        axi_->s_axil_wdata = program_.empty() ? 0 : program_.front();
        axi_->s_axil_wstrb = half_ ? 0x3 : 0xf;
        axi_->s_axil_bready = !pauses();
    }

    // A read: what STATUS says, and the answers that it tells of; first of all the identity, a register that is only written, an
    // answer that is not there, which must be told as refused, and no more than once.
    void offerRead() {
        if (!reading_) {
            reading_ = true;
            ++reads_;
            settles_ = answered_;
            readFrom_ = reads_ <= kFirst.size() ? kFirst[reads_ - 1] : hasAnswer_ ? kAnswer : kStatus;
        }
        axi_->s_axil_arvalid = readAddress_.offer(!readTaken_, pauses());
        axi_->s_axil_araddr = readFrom_;
        axi_->s_axil_rready = !pauses();
    }

    // What the design takes and gives in this cycle.
    bool settle() {
        bool moved = false;
        if (axi_->s_axil_awvalid && axi_->s_axil_awready) {
            addressTaken_ = true;
            address_.stands = false;
        }
        if (axi_->s_axil_wvalid && axi_->s_axil_wready) {
            dataTaken_ = true;
            data_.stands = false;
        }
        if (axi_->s_axil_bvalid && axi_->s_axil_bready) {
            if (!writing_ || !addressTaken_ || !dataTaken_ || answered_) wrong("an answer to no write");
            answered_ = true;
        }
        if (axi_->s_axil_arvalid && axi_->s_axil_arready) {
            readTaken_ = true;
            readAddress_.stands = false;
        }
        if (axi_->s_axil_rvalid && axi_->s_axil_rready) moved = read() || moved;
        if (axi_->s_axis_frame_tvalid && axi_->s_axis_frame_tready) {
            beat_.stands = false;
            beatTaken();
            moved = true;
        }
        const bool weightsTaken = axi_->s_axis_weight_tvalid && axi_->s_axis_weight_tready;
        if (weightsTaken) weight_.stands = false;
        weightsMove(weightsTaken);
        moved = moved || weightsTaken;
        if (axi_->m_axis_result_tvalid && axi_->m_axis_result_tready) {
            resultCame(axi_->m_axis_result_tdata, axi_->m_axis_result_tuser);
            moved = true;
        }
        return moved;
    }

    // A write that was answered is settled by a STATUS that was asked for behind the answer.
    bool settleWrite() {
        if (!refused_ && (half_ || elsewhere_)) wrong("a wrong write is not refused");
        const bool taken = !refused_;
        if (taken) program_.pop_front();
        writing_ = addressTaken_ = dataTaken_ = half_ = elsewhere_ = answered_ = refused_ = false;
        return taken;
    }

    bool read() {
        if (!readTaken_) wrong("an answer to no read");
        if (axi_->s_axil_rresp != 0) wrong("an error that stops a processor");
        const std::uint32_t word = axi_->s_axil_rdata;
        reading_ = readTaken_ = false;
        switch (readFrom_) {
        case kIdentity:
            if (word != kMagic) wrong("another identity");
            return true;
        case kStatus: {
            const bool refused = word & kRefused;
            if (reads_ <= kFirst.size() && refused != (reads_ == kFirst.size() - 1)) wrong("an answer to no question");
            takesWord_ = word & kTakesWord;
            hasAnswer_ = word & kHasAnswer;
            if (!writing_) return false;
            refused_ = refused_ || refused;
            return settles_ && settleWrite();
        }
        default:
            if (hasAnswer_) readBackCame(word);
            return std::exchange(hasAnswer_, false);
        }
    }

    static constexpr std::array<std::uint8_t, 5> kFirst{kIdentity, kCommand, kAnswer, kStatus, kStatus};

    std::unique_ptr<Vernscope_axi> axi_;
    Offer address_, data_, readAddress_, beat_, weight_;
    bool writing_ = false, addressTaken_ = false, dataTaken_ = false;
    // Of the write: answered; refused, as far as STATUS has told.
    bool answered_ = false, refused_ = false;
    bool half_ = false, elsewhere_ = false, takesWord_ = true;
    bool reading_ = false, readTaken_ = false, hasAnswer_ = false;
    // Whether the read was begun behind the write's answer.
    bool settles_ = false;
    std::uint8_t readFrom_ = 0;
    std::uint64_t writes_ = 0, reads_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    Axi axi;
    while (serve(axi)) {
    }
    axi.final();
    return 0;
}
