package drover.host;

import java.util.concurrent.Callable;

/** Plugin code runs with its own loader as that of the thread, and so do the threads that it starts. */
final class Scoped {
    private Scoped() {}

    static <T> T within(ClassLoader loader, Callable<T> work) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            return work.call();
        } catch (Exception error) {
            throw Scoped.<RuntimeException>sneaky(error);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @SuppressWarnings("unchecked")
    private static <E extends Exception> E sneaky(Exception error) throws E {
        throw (E) error;
    }
}
