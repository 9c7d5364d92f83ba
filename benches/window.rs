//! What the window's own code costs: layout and tessellation of one frame, all panels open, without a graphics card.

#[path = "../tests/scenes/mod.rs"]
mod scenes;

fn benches(criterion: &mut criterion::Criterion) {
    for name in ["cards", "random:erns18"] {
        let network = scenes::network(name);
        let watch = network.layers().len() / 2;
        let mut report = scenes::report(&network, scenes::frame(scenes::FRAME), watch);
        report.comparison = Some(scenes::comparison(0.43, 0.62));
        frames(criterion, name, report);
    }
}

/// The same report again, and a new one with every frame: textures and histogram made anew.
fn frames(criterion: &mut criterion::Criterion, name: &str, report: ernscope::pipeline::Report) {
    use ernscope::pipeline::LayerDetail;
    use std::sync::Arc;
    use std::time::Instant;
    let mut group = criterion.benchmark_group(format!("window/{name}"));
    group.bench_function("same report", |bencher| {
        let mut frame = window(scenes::model(report.clone()));
        bencher.iter(|| frame(None));
    });
    group.bench_function("new report", |bencher| {
        let mut frame = window(scenes::model(report.clone()));
        let mut samples = report.detail.sample;
        bencher.iter_with_setup(
            || {
                let mut new = report.clone();
                new.frame.captured = Instant::now();
                samples += 1;
                new.detail = Arc::new(LayerDetail { sample: samples, ..(*new.detail).clone() });
                Arc::new(new)
            },
            |new| frame(Some(new)),
        );
    });
    group.finish();
}

/// A function that lays out and tessellates one frame of a warm window.
fn window(mut model: ernscope::app::Model) -> impl FnMut(Option<std::sync::Arc<ernscope::pipeline::Report>>) -> usize {
    let ctx = egui::Context::default();
    ernscope::app::apply(&ctx);
    let mut window = ernscope::app::Window::default();
    let mut time = 0.0;
    let mut show = move |report: Option<std::sync::Arc<ernscope::pipeline::Report>>| {
        if let Some(report) = report {
            model.take(report, std::time::Instant::now());
        }
        time += 1.0 / 60.0;
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1440.0, 900.0));
        let input = egui::RawInput { screen_rect: Some(screen), time: Some(time), ..egui::RawInput::default() };
        let output = ctx.run_ui(input, |ui| {
            window.show(ui, &model);
        });
        ctx.tessellate(output.shapes, output.pixels_per_point).len()
    };
    (0..10).for_each(|_| {
        show(None);
    });
    show
}

criterion::criterion_group!(group, benches);
criterion::criterion_main!(group);
