package drover.host;

import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;

/** One plugin at work, on a thread of its own whose class loader is the plugin's. */
abstract class Session {
    final Frames frames;
    final int id;
    final String className;
    private final ClassLoader loader;
    private final ExecutorService thread;
    private PluginMetrics metrics;
    private volatile boolean begun;

    Session(Frames frames, int id, String className, ClassLoader loader) {
        this.frames = frames;
        this.id = id;
        this.className = className;
        this.loader = loader;
        this.thread = threadOf("task");
    }

    final ExecutorService threadOf(String role) {
        AtomicInteger count = new AtomicInteger();
        return Executors.newSingleThreadExecutor(work -> {
            Thread made = new Leftovers.Own(work, className + "-" + role + (count.getAndIncrement() == 0 ? "" : "'"));
            made.setDaemon(true);
            made.setContextClassLoader(loader);
            return made;
        });
    }

    /** Does the work in its turn; what it throws is the answer to that call. */
    final void run(int call, Work work) {
        run(thread, call, work);
    }

    final void run(ExecutorService on, int call, Work work) {
        on.execute(() -> Host.answering(frames, call, work));
    }

    /** Of this plugin at work alone: the next one adds the same names again. Nobody reads them. */
    final synchronized PluginMetrics metrics() {
        if (metrics == null) metrics = new PluginMetricsImpl(new Metrics(), Map.of());
        return metrics;
    }

    /** Its task begins, on this thread. */
    final void begins() {
        begun = true;
        Leftovers.begins(loader, className);
    }

    final <T> T within(Callable<T> work) {
        return Scoped.within(loader, work);
    }

    void close() {
        if (begun) Leftovers.ends(loader);
        thread.shutdown();
    }

    interface Work {
        void run() throws Exception;
    }
}
