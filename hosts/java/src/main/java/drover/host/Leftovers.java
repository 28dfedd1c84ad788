package drover.host;

import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.apache.kafka.connect.runtime.isolation.PluginClassLoader;
import org.slf4j.LoggerFactory;

/** Threads that a plugin's tasks have started and not ended: the JVM outlives the tasks, and they would become ever more. */
final class Leftovers {
    /** Some are for the JVM's whole life, as those of database drivers: told is what grows with every few runs. */
    private static final int TOLD_FROM = 3;
    private static final int NAMED = 5;
    private static final Map<ClassLoader, Leftovers> OF = new WeakHashMap<>();

    private int working;
    private int most;
    private int growths;

    private Leftovers() {}

    /** A task of the plugin begins: if it is the only one, what runs under the plugin's class loader is of earlier ones. */
    static synchronized void begins(ClassLoader loader, String className) {
        Leftovers of = OF.computeIfAbsent(loader, ignored -> new Leftovers());
        if (of.working++ > 0) return;
        List<String> names = Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getContextClassLoader() == loader && !(thread instanceof Own))
            .map(Thread::getName).sorted().toList();
        if (names.size() <= of.most) return;
        of.most = names.size();
        if (++of.growths < TOLD_FROM) return;
        String place = loader instanceof PluginClassLoader plugin ? " in " + plugin.location() : "";
        LoggerFactory.getLogger(className).warn("{}{} does not end its threads when it is stopped: {} of earlier runs go on, such as {}",
            className, place, names.size(), String.join(", ", names.subList(0, Math.min(NAMED, names.size()))));
    }

    static synchronized void ends(ClassLoader loader) {
        Leftovers of = OF.get(loader);
        if (of != null) of.working--;
    }

    /** A thread of the host itself. */
    static final class Own extends Thread {
        Own(Runnable work, String name) {
            super(work, name);
        }
    }
}
