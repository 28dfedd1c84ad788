package drover.host;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.runtime.isolation.PluginClassLoader;
import org.apache.kafka.connect.runtime.isolation.PluginSource;
import org.apache.kafka.connect.runtime.isolation.PluginUtils;

/**
 * The plugin path as a worker reads it: each folder or jar on it is a plugin with a class loader of its own. A loader is
 * made when something of it is first asked for, and nothing is searched.
 */
final class PluginFolders {
    private final Map<String, Path> locations = new LinkedHashMap<>();
    private final Map<String, PluginSource> sources = new ConcurrentHashMap<>();

    PluginFolders(Iterable<String> pluginPath) {
        for (String folder : pluginPath) {
            Path root = Path.of(folder).toAbsolutePath().normalize();
            for (Path location : PluginUtils.pluginLocations(folder, true)) {
                Path absolute = location.toAbsolutePath().normalize();
                locations.putIfAbsent(relative(root, absolute), absolute);
            }
        }
    }

    private static String relative(Path root, Path location) {
        return location.startsWith(root) && !location.equals(root)
            ? root.relativize(location).toString()
            : String.valueOf(location.getFileName());
    }

    List<String> names() {
        return new ArrayList<>(locations.keySet());
    }

    /** Throws ConnectException for a location that is not on the plugin path. */
    PluginSource source(String name) {
        return sources.computeIfAbsent(name, this::open);
    }

    private PluginSource open(String name) {
        Path location = locations.get(name);
        if (location == null) {
            throw new ConnectException("There is no plugin " + name + " on the plugin path; it has " + locations.keySet());
        }
        try {
            return PluginUtils.isolatedPluginSource(location, PluginFolders.class.getClassLoader(), PluginClassLoader::new);
        } catch (IOException error) {
            throw new ConnectException("The plugin " + name + " cannot be read", error);
        }
    }

    /** A new instance of a class of that plugin. What is wrong with it is told with its name and place. */
    <T> T create(String name, String className, Class<T> type) {
        ClassLoader loader = source(name).loader();
        return Scoped.within(loader, () -> {
            try {
                Object made = Class.forName(className, true, loader).getDeclaredConstructor().newInstance();
                if (type.isInstance(made)) return type.cast(made);
                throw new ConnectException(className + " in " + name + " is no " + type.getSimpleName());
            } catch (ClassNotFoundException error) {
                throw new ConnectException("There is no class " + className + " in " + name, error);
            } catch (ReflectiveOperationException | LinkageError error) {
                throw new ConnectException(className + " in " + name + " cannot be loaded: " + reason(error), error);
            }
        });
    }

    static String reason(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null && !(cause instanceof LinkageError && cause.getMessage() != null)) cause = cause.getCause();
        if (cause instanceof NoClassDefFoundError) {
            return "the class " + String.valueOf(cause.getMessage()).replace('/', '.') + " that it needs is missing; put its jar into the same folder";
        }
        if (cause instanceof UnsupportedClassVersionError) {
            return "it was compiled for a newer Java than " + Runtime.version().feature() + ": " + cause.getMessage();
        }
        return cause.toString();
    }
}
